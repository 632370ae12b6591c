#include "l2echo/machine/link.hpp"

#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "l2echo/process/error.hpp"
#include "machine/netlink.hpp"

namespace l2echo::machine {
namespace {

/// Attributes with which a certain kind of link names the interface below it; other kinds use the generic
/// IFLA_LINK.
struct KindLink {
    const char* kind;
    int attribute;
};
constexpr std::array kKindLinks{KindLink{"hsr", IFLA_HSR_SLAVE1}, KindLink{"hsr", IFLA_HSR_SLAVE2},
                                KindLink{"vxlan", IFLA_VXLAN_LINK}};

void read_kind_data(const Attribute& data, Link& link) {
    for_each_attribute(data, [&link](const Attribute& attribute) {
        const int type = attribute.type;
        for (const KindLink& row : kKindLinks)
            if (link.kind == row.kind && type == row.attribute)
                link.lowers.push_back(attribute.number());
        if (link.kind == "tun" && type == IFLA_TUN_NUM_QUEUES)
            link.attached_queues = attribute.number();
    });
}

/// Relies on the kernel writing the kind before its data.
void read_kind(const Attribute& info, Link& link) {
    for_each_attribute(info, [&link](const Attribute& attribute) {
        if (attribute.type == IFLA_INFO_KIND)
            link.kind = attribute.text();
        else if (attribute.type == IFLA_INFO_DATA)
            read_kind_data(attribute, link);
    });
}

Link read_link(const nlmsghdr& message) {
    const auto body = body_of<ifinfomsg>(message);
    Link link;
    link.index = static_cast<unsigned>(body.ifi_index);
    link.hardware_type = body.ifi_type;
    link.promiscuous = (body.ifi_flags & IFF_PROMISC) != 0;
    unsigned lower = 0;
    bool elsewhere = false;  // the interface below is in another namespace, with its own indices
    for_each_attribute(message, sizeof body, [&](const Attribute& attribute) {
        switch (attribute.type) {
            case IFLA_IFNAME:
                link.name = attribute.text();
                break;
            case IFLA_MASTER:
                link.master = attribute.number();
                break;
            case IFLA_LINK:
                lower = attribute.number();
                break;
            case IFLA_LINK_NETNSID:
                elsewhere = true;
                break;
            case IFLA_LINKINFO:
                read_kind(attribute, link);
                break;
            default:
                break;
        }
    });
    // For a veth or netkit, IFLA_LINK is its peer.
    if (lower != 0 && lower != link.index && !elsewhere && link.kind != "veth" && link.kind != "netkit")
        link.lowers.push_back(lower);
    return link;
}

/// In Open vSwitch, the members of all bridges share one master, and nothing ties a bridge's own interface to
/// its members. So any of these interfaces may carry what a member receives.
bool is_above(const Link& upper, const Link& lower, const std::vector<Link>& links) {
    constexpr const char* kOpenVswitch = "openvswitch";
    if (upper.index == lower.master || std::ranges::count(upper.lowers, lower.index) != 0)
        return true;
    const auto master = std::ranges::find(links, lower.master, &Link::index);
    return lower.master != 0 && upper.kind == kOpenVswitch && master != links.end() &&
           master->kind == kOpenVswitch;
}

}  // namespace

std::vector<Link> read_links() {
    std::vector<Link> links;
    Netlink netlink;
    const int error = netlink.ask(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{},
                                  [&links](const nlmsghdr& message) { links.push_back(read_link(message)); });
    if (error != 0)
        throw process::StartupError(
            fmt::format("netlink: {}: cannot list the interfaces", std::strerror(error)));
    return links;
}

std::vector<Link> with_uppers(const std::vector<Link>& links, unsigned index) {
    std::vector<Link> stack;
    std::vector<unsigned> pending{index};
    for (std::size_t next = 0; next < pending.size(); ++next) {
        const auto found = std::ranges::find(links, pending[next], &Link::index);
        if (found == links.end() || std::ranges::count(stack, found->index, &Link::index) != 0)
            continue;
        stack.push_back(*found);
        for (const Link& link : links)
            if (is_above(link, *found, links))
                pending.push_back(link.index);
    }
    return stack;
}

std::optional<Link> find_link(const std::string& name) {
    const unsigned index = if_nametoindex(name.c_str());
    if (index == 0)
        return std::nullopt;
    const std::vector<Link> links = read_links();
    const auto found = std::ranges::find(links, index, &Link::index);
    return found == links.end() ? std::nullopt : std::optional(*found);
}

bool has_ethernet_header(const Link& link) {
    return link.hardware_type == ARPHRD_ETHER || link.hardware_type == ARPHRD_LOOPBACK;
}

}  // namespace l2echo::machine
