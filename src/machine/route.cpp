#include "machine/route.hpp"

#include <fmt/format.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <span>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {
namespace {

/// A next-hop object (ip nexthop): its interface, or the members of its group.
struct NextHop {
    unsigned interface = 0;
    std::vector<unsigned> members;
};
using NextHops = std::map<unsigned, NextHop>;

void take_next_hop(const nlmsghdr& message, NextHops& hops) {
    unsigned id = 0;
    NextHop hop;
    for_each_attribute(message, sizeof(nhmsg), [&](const Attribute& attribute) {
        const int type = attribute.type;
        if (type == NHA_ID)
            id = attribute.number();
        if (type == NHA_OIF)
            hop.interface = attribute.number();
        if (type == NHA_GROUP) {
            const auto* members = reinterpret_cast<const nexthop_grp*>(attribute.value.data());
            for (std::size_t i = 0; i < attribute.value.size() / sizeof *members; ++i)
                hop.members.push_back(members[i].id);
        }
    });
    hops[id] = hop;
}

/// Returns none if the kernel is too old for next-hop objects (before 5.3).
NextHops read_next_hops(Netlink& netlink) {
    NextHops hops;
    netlink.ask(RTM_GETNEXTHOP, NLM_F_DUMP, nhmsg{},
                [&hops](const nlmsghdr& message) { take_next_hop(message, hops); });
    return hops;
}

void add_interfaces_of(unsigned id, const NextHops& hops, std::vector<unsigned>& interfaces) {
    const auto found = hops.find(id);
    if (found == hops.end())
        return;
    interfaces.push_back(found->second.interface);
    for (const unsigned member : found->second.members)
        if (const auto hop = hops.find(member); hop != hops.end())
            interfaces.push_back(hop->second.interface);
}

void add_hops(const Attribute& multipath, std::vector<unsigned>& interfaces) {
    const auto* hop = reinterpret_cast<const rtnexthop*>(multipath.value.data());
    int left = static_cast<int>(multipath.value.size());
    while (RTNH_OK(hop, left)) {
        interfaces.push_back(static_cast<unsigned>(hop->rtnh_ifindex));
        left -= RTNH_ALIGN(hop->rtnh_len);
        hop = RTNH_NEXT(hop);
    }
}

Route read_route(const nlmsghdr& message, const NextHops& hops) {
    const auto body = body_of<rtmsg>(message);
    Route route;
    route.forwards = body.rtm_type == RTN_UNICAST;
    route.prefix_length = body.rtm_dst_len;
    for_each_attribute(message, sizeof body, [&](const Attribute& attribute) {
        const int type = attribute.type;
        if (type == RTA_OIF)
            route.interfaces.push_back(attribute.number());
        if (type == RTA_MULTIPATH)
            add_hops(attribute, route.interfaces);
        if (type == RTA_NH_ID)
            add_interfaces_of(attribute.number(), hops, route.interfaces);
    });
    return route;
}

}  // namespace

std::vector<Route> read_routes(Netlink& netlink) {
    const NextHops hops = read_next_hops(netlink);
    std::vector<Route> routes;
    for (const int family : {AF_INET, AF_INET6}) {
        rtmsg body{};
        body.rtm_family = static_cast<unsigned char>(family);
        const int error = netlink.ask(
            RTM_GETROUTE, NLM_F_DUMP, body,
            [&routes, &hops](const nlmsghdr& message) { routes.push_back(read_route(message, hops)); });
        if (error != 0 && family == AF_INET)  // IPv6 may be disabled
            throw process::StartupError(
                fmt::format("netlink: {}: cannot list the routes", std::strerror(error)));
    }
    return routes;
}

std::vector<unsigned> interfaces_towards_client(Netlink& netlink, const SshSession& session) {
    const NextHops hops = read_next_hops(netlink);
    const IpAddress& local = session.local;
    const IpAddress& remote = session.remote;
    const std::uint8_t protocol = IPPROTO_TCP;
    const std::array<std::uint16_t, 2> ports{htons(session.local_port), htons(session.remote_port)};
    rtmsg body{};
    body.rtm_family = static_cast<unsigned char>(remote.family);
    body.rtm_dst_len = body.rtm_src_len = static_cast<unsigned char>(8 * remote.size());
    // Request the whole route: the flow may use a different next hop than the one picked for this query.
    body.rtm_flags = RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH;
    std::vector<unsigned> interfaces;
    netlink.ask(RTM_GETROUTE, 0, body,
                [&](const nlmsghdr& message) { interfaces = read_route(message, hops).interfaces; },
                {{RTA_DST, std::as_bytes(std::span(remote.bytes)).first(remote.size())},
                 {RTA_SRC, std::as_bytes(std::span(local.bytes)).first(local.size())},
                 {RTA_IP_PROTO, std::as_bytes(std::span(&protocol, 1))},
                 {RTA_SPORT, std::as_bytes(std::span(ports).first(1))},
                 {RTA_DPORT, std::as_bytes(std::span(ports).last(1))}});
    return interfaces;
}

}  // namespace l2echo::machine
