#include "l2echo/machine/kernel_interface.hpp"

#include <fmt/ranges.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "l2echo/process/error.hpp"
#include "machine/ip_address.hpp"
#include "machine/netlink.hpp"
#include "machine/route.hpp"
#include "machine/ssh_session.hpp"

namespace l2echo::machine {
namespace {

/// Routes that cover at least an eighth of all addresses count as default routes: a default route is often
/// configured as two halves, and for IPv6 as 2000::/3.
constexpr unsigned kMaxDefaultPrefix = 3;

struct InterfaceAddress {
    unsigned interface = 0;
    IpAddress address;
};

std::optional<InterfaceAddress> read_address(const nlmsghdr& message) {
    const auto body = body_of<ifaddrmsg>(message);
    std::optional<IpAddress> local, address;
    for_each_attribute(message, sizeof body, [&](const Attribute& attribute) {
        const auto value = to_ip_address(attribute.value.data(), attribute.value.size());
        if (attribute.type == IFA_LOCAL)
            local = value;
        if (attribute.type == IFA_ADDRESS)
            address = value;  // the peer's address if IFA_LOCAL is also present
    });
    if (!local)
        local = address;
    return local ? std::optional(InterfaceAddress{body.ifa_index, *local}) : std::nullopt;
}

bool contains(const std::vector<Link>& links, unsigned index) {
    return std::ranges::find(links, index, &Link::index) != links.end();
}

std::vector<InterfaceAddress> addresses_on(Netlink& netlink, const std::vector<Link>& stack) {
    std::vector<InterfaceAddress> found;
    const int error = netlink.ask(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}, [&](const nlmsghdr& message) {
        const auto address = read_address(message);
        if (address && contains(stack, address->interface))
            found.push_back(*address);
    });
    if (error != 0)
        throw process::StartupError(
            fmt::format("netlink: {}: cannot list the addresses", std::strerror(error)));
    return found;
}

bool leads_over(const std::vector<unsigned>& interfaces, const std::vector<Link>& stack) {
    return std::ranges::any_of(interfaces, [&](unsigned index) { return contains(stack, index); });
}

bool carries_default_route(Netlink& netlink, const std::vector<Link>& stack) {
    return std::ranges::any_of(read_routes(netlink), [&](const Route& route) {
        return route.forwards && route.prefix_length <= kMaxDefaultPrefix &&
               leads_over(route.interfaces, stack);
    });
}

/// Checks addresses and routes, because the session's local address may be on another interface, such as a
/// loopback address that a routing protocol announces.
bool carries_ssh_session(Netlink& netlink, const std::vector<Link>& stack,
                         const std::vector<InterfaceAddress>& addresses) {
    return std::ranges::any_of(read_ssh_sessions(), [&](const SshSession& session) {
        return std::ranges::find(addresses, session.local, &InterfaceAddress::address) != addresses.end() ||
               leads_over(interfaces_towards_client(netlink, session), stack);
    });
}

}  // namespace

std::string reason_to_leave(const KernelInterfaceUse& use) {
    std::vector<std::string> reasons;
    if (use.ssh_session)
        reasons.emplace_back("an established SSH session");
    if (use.default_route)
        reasons.emplace_back("the default route");
    if (!use.addresses.empty())
        reasons.push_back(fmt::format("the address {}", fmt::join(use.addresses, ", ")));
    return fmt::format("{}", fmt::join(reasons, " and "));
}

KernelInterfaceUse read_kernel_interface_use(const std::string& interface) {
    const std::vector<Link> stack = with_uppers(read_links(), if_nametoindex(interface.c_str()));
    KernelInterfaceUse use;
    if (stack.empty())
        return use;
    Netlink netlink;
    const std::vector<InterfaceAddress> addresses = addresses_on(netlink, stack);
    for (const auto& [index, address] : addresses)
        if (!address.is_link_local())
            use.addresses.push_back(
                fmt::format("{} on {}", address.text(), std::ranges::find(stack, index, &Link::index)->name));
    use.default_route = carries_default_route(netlink, stack);
    use.ssh_session = carries_ssh_session(netlink, stack, addresses);
    use.above.assign(stack.begin() + 1, stack.end());
    return use;
}

}  // namespace l2echo::machine
