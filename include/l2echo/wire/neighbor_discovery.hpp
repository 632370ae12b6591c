// Neighbour solicitations and advertisements of IPv6 (RFC 4861 4.3, 4.4) in both directions, and the
// addresses that they are sent to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/header_read.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kMaxNeighborMessageLength = 24 + 8 + 8;
/// A packet with another hop limit came through a router, that is, not from a neighbour (RFC 4861 7.1).
inline constexpr std::uint8_t kNeighborHopLimit = 255;

struct NeighborSolicitation {
    IpAddress target{};
    std::optional<MacAddress> source_mac;  ///< option 1, absent while the sender has no address
    /// Option 14 with 6 bytes, as one number: by it a sender knows its own message when the link returns it
    /// (RFC 7527). Nonces of other lengths are skipped.
    std::optional<std::uint64_t> nonce;

    friend bool operator==(const NeighborSolicitation&, const NeighborSolicitation&) noexcept = default;
};

struct NeighborAdvertisement {
    IpAddress target{};
    bool from_router = false;
    bool solicited = false;
    bool overrides = false;                ///< the receiver may replace the MAC address that it has
    std::optional<MacAddress> target_mac;  ///< option 2

    friend bool operator==(const NeighborAdvertisement&, const NeighborAdvertisement&) noexcept = default;
};

/// Read a whole ICMPv6 message, after its checksum was verified. Faults: Version if type or code is another,
/// Option if an option has a length that it cannot have. Options that are not understood are skipped. Of an
/// option that occurs twice the last one counts. HeaderRead::length is that of the message.
HeaderRead read_header(std::span<const std::byte> message, NeighborSolicitation& solicitation) noexcept;
HeaderRead read_header(std::span<const std::byte> message, NeighborAdvertisement& advertisement) noexcept;

/// True if the message may be acted on, given the addresses and the hop limit of its packet (RFC 4861 7.1.1,
/// 7.1.2).
bool is_valid(const NeighborSolicitation& solicitation, const Ipv6Header& packet) noexcept;
bool is_valid(const NeighborAdvertisement& advertisement, const Ipv6Header& packet) noexcept;

/// Write the message with its options and a checksum field of zero, and return its length: a multiple of 8,
/// at most kMaxNeighborMessageLength. `to` has room for that.
std::uint32_t write_header(const NeighborSolicitation& solicitation, std::byte* to) noexcept;
std::uint32_t write_header(const NeighborAdvertisement& advertisement, std::byte* to) noexcept;

/// ff02::1, all nodes on the link.
IpAddress all_nodes_address() noexcept;

/// The group in which every holder of an IPv6 address listens (RFC 4291 2.7.1).
IpAddress solicited_node_address(const IpAddress& address) noexcept;

/// The MAC address to which packets to an IP multicast group go (RFC 1112 6.4, RFC 2464 7).
MacAddress multicast_mac(const IpAddress& group) noexcept;

}  // namespace l2echo::wire
