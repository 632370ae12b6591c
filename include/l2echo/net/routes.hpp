// Our addresses and where packets go from them: one link with its prefixes, and a gateway per family.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "l2echo/wire/ip.hpp"

namespace l2echo::net {

/// An address of ours and the prefix that is on its link, or a prefix alone, whose other bits do not matter.
struct Prefix {
    wire::IpAddress address{};
    std::uint8_t length = 0;  ///< 0 to 32 for IPv4, 0 to 128 for IPv6

    friend bool operator==(const Prefix&, const Prefix&) noexcept = default;
};

/// True if the address is of the prefix's family and begins with its bits.
bool contains(const Prefix& prefix, const wire::IpAddress& address) noexcept;

struct RouteSettings {
    std::vector<Prefix> addresses;  ///< ours; their prefixes are on the link
    std::vector<Prefix> on_link;    ///< further prefixes on the link
    std::optional<wire::IpAddress> ipv4_gateway;
    std::optional<wire::IpAddress> ipv6_gateway;
};

enum class Destination : std::uint8_t {
    Ours,       ///< one of our unicast addresses
    Broadcast,  ///< 255.255.255.255, or the highest address of one of our IPv4 prefixes
    Multicast,  ///< a group that we listen to: all hosts, all nodes, or a solicited-node group of ours
    Foreign,
};

/// Read-only after construction, and called by all workers. A prefix of an IPv6 address is taken to be on the
/// link, as for IPv4, because the operator wrote it (RFC 5942 4 leaves that to manual configuration).
class Routes {
  public:
    /// Throws StartupError if an address cannot be a host's, a prefix is too long, or a gateway is not on the
    /// link.
    explicit Routes(RouteSettings settings);

    std::span<const Prefix> addresses() const noexcept { return settings_.addresses; }
    bool has(std::uint8_t version) const noexcept;

    bool is_ours(const wire::IpAddress& address) const noexcept;
    /// True for 255.255.255.255 and for the highest address of our IPv4 prefixes shorter than 31 bits
    /// (RFC 1122 3.2.1.3, RFC 3021).
    bool is_broadcast(const wire::IpAddress& address) const noexcept;
    Destination kind_of(const wire::IpAddress& destination) const noexcept;
    /// True if the address is in a prefix on the link, or link-local. A sender of ARP or of neighbour
    /// discovery must be.
    bool is_on_link(const wire::IpAddress& address) const noexcept;

    /// False for a source that no other host can have, so that nothing may be sent to it: unspecified,
    /// loopback, multicast, broadcast, our own, 0.0.0.0/8 and 240.0.0.0/4 (RFC 1122 3.2.1.3), IPv4-mapped
    /// (RFC 4291 2.5.5.2), and the lowest address of our IPv4 prefixes (RFC 1812 4.2.3.1).
    bool is_acceptable_source(const wire::IpAddress& source) const noexcept;

    /// The neighbour to which packets for a unicast destination go: itself if it is on the link, else the
    /// gateway. None if there is no gateway, or the destination is not another host's unicast address.
    std::optional<wire::IpAddress> next_hop(const wire::IpAddress& destination) const noexcept;

    /// Our address from which to send to a destination (RFC 6724 5: rules 1, 2 and 8, and for IPv4 the prefix
    /// of the next hop first). None if we have no address of its family.
    std::optional<wire::IpAddress> source_for(const wire::IpAddress& destination) const noexcept;

  private:
    bool is_in_own_ipv4_prefix_at(const wire::IpAddress& address, bool highest) const noexcept;

    RouteSettings settings_;
};

}  // namespace l2echo::net
