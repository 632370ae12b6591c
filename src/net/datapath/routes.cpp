#include "l2echo/net/routes.hpp"

#include <algorithm>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"

namespace l2echo::net {
namespace {

constexpr std::uint32_t kLimitedBroadcast = 0xFFFF'FFFF;
// RFC 3021: a prefix of 31 bits has two hosts, and neither a broadcast nor a network address.
constexpr unsigned kMaxLengthWithBroadcast = 30;

std::uint32_t number_of(const wire::IpAddress& ipv4) noexcept {
    return wire::load_be32(ipv4.bytes.data());
}

bool is_ipv4_mapped(const wire::IpAddress& address) noexcept {
    const auto* bytes = address.bytes.data();
    return address.version == 6 && wire::load_be32(bytes) == 0 && wire::load_be32(bytes + 4) == 0 &&
           wire::load_be32(bytes + 8) == 0xFFFF;
}

/// 224.0.0.1: every host is a member (RFC 1112 4).
bool is_all_hosts(const wire::IpAddress& address) noexcept {
    return address.version == 4 && number_of(address) == 0xE000'0001;
}

/// How far the address reaches, larger is farther: RFC 6724 3.1, RFC 4291 2.7.
unsigned scope_of(const wire::IpAddress& address) noexcept {
    constexpr unsigned kLinkLocal = 2;
    constexpr unsigned kGlobal = 14;
    if (address.version == 6 && wire::is_multicast(address))
        return std::to_integer<unsigned>(address.bytes[1] & std::byte{0x0F});
    return wire::is_link_local(address) || wire::is_loopback(address) ? kLinkLocal : kGlobal;
}

}  // namespace

bool contains(const Prefix& prefix, const wire::IpAddress& address) noexcept {
    return prefix.address.version == address.version &&
           wire::common_prefix(prefix.address, address) >= prefix.length;
}

bool Routes::has(std::uint8_t version) const noexcept {
    return std::ranges::any_of(settings_.addresses,
                               [version](const Prefix& own) { return own.address.version == version; });
}

bool Routes::is_ours(const wire::IpAddress& address) const noexcept {
    return std::ranges::any_of(settings_.addresses,
                               [&address](const Prefix& own) { return own.address == address; });
}

bool Routes::is_in_own_ipv4_prefix_at(const wire::IpAddress& address, bool highest) const noexcept {
    if (address.version != 4)
        return false;
    return std::ranges::any_of(settings_.addresses, [&address, highest](const Prefix& own) {
        if (own.length > kMaxLengthWithBroadcast || !contains(own, address))
            return false;
        const std::uint32_t host_bits = own.length == 0 ? ~0U : (1U << (32U - own.length)) - 1U;
        return (number_of(address) & host_bits) == (highest ? host_bits : 0);
    });
}

bool Routes::is_broadcast(const wire::IpAddress& address) const noexcept {
    return address.version == 4 &&
           (number_of(address) == kLimitedBroadcast || is_in_own_ipv4_prefix_at(address, true));
}

Destination Routes::kind_of(const wire::IpAddress& destination) const noexcept {
    if (is_ours(destination))
        return Destination::Ours;
    if (is_broadcast(destination))
        return Destination::Broadcast;
    const bool joined =
        is_all_hosts(destination) ||
        (wire::is_multicast(destination) && destination.version == 6 &&
         (destination == wire::all_nodes_address() ||
          std::ranges::any_of(settings_.addresses, [&destination](const Prefix& own) {
              return own.address.version == 6 && wire::solicited_node_address(own.address) == destination;
          })));
    return joined ? Destination::Multicast : Destination::Foreign;
}

bool Routes::is_on_link(const wire::IpAddress& address) const noexcept {
    const auto holds = [&address](const Prefix& prefix) { return contains(prefix, address); };
    return (wire::is_link_local(address) && has(address.version)) ||
           std::ranges::any_of(settings_.addresses, holds) || std::ranges::any_of(settings_.on_link, holds);
}

bool Routes::is_acceptable_source(const wire::IpAddress& source) const noexcept {
    constexpr std::byte kFirstReserved{240};  // 240.0.0.0/4
    if (source.version == 4) {
        if (source.bytes[0] == std::byte{0} || source.bytes[0] >= kFirstReserved ||
            is_in_own_ipv4_prefix_at(source, true) || is_in_own_ipv4_prefix_at(source, false))
            return false;
    } else if (source.version != 6 || wire::is_unspecified(source) || is_ipv4_mapped(source)) {
        return false;
    }
    return !wire::is_multicast(source) && !wire::is_loopback(source) && !is_ours(source);
}

std::optional<wire::IpAddress> Routes::next_hop(const wire::IpAddress& destination) const noexcept {
    if (!is_acceptable_source(destination))  // what cannot send cannot receive either
        return std::nullopt;
    if (is_on_link(destination))
        return destination;
    return destination.version == 4 ? settings_.ipv4_gateway : settings_.ipv6_gateway;
}

std::optional<wire::IpAddress> Routes::source_for(const wire::IpAddress& destination) const noexcept {
    const unsigned wanted = scope_of(destination);
    const std::optional<wire::IpAddress> hop =
        destination.version == 4 ? next_hop(destination) : std::nullopt;
    const auto is_better = [&](const Prefix& candidate, const Prefix& best) {
        if (candidate.address == destination || best.address == destination)
            return candidate.address == destination;
        const unsigned reaches = scope_of(candidate.address);
        const unsigned best_reaches = scope_of(best.address);
        // Rule 2: the nearest scope that reaches the destination; if none does, the farthest.
        if (reaches != best_reaches)
            return reaches < best_reaches ? reaches >= wanted : best_reaches < wanted;
        if (hop && contains(candidate, *hop) != contains(best, *hop))
            return contains(candidate, *hop);
        const auto match = [&destination](const Prefix& own) {
            return std::min<unsigned>(wire::common_prefix(own.address, destination), own.length);
        };
        return match(candidate) > match(best);
    };
    const Prefix* best = nullptr;
    for (const Prefix& own : settings_.addresses) {
        if (own.address.version == destination.version && (best == nullptr || is_better(own, *best)))
            best = &own;
    }
    return best == nullptr ? std::nullopt : std::optional(best->address);
}

}  // namespace l2echo::net
