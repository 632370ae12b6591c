// IP addresses, and IPv4 (RFC 791) and IPv6 headers (RFC 8200) in both directions.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/header_read.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kIpv4HeaderLength = 20;  ///< without options
inline constexpr std::uint32_t kIpv6HeaderLength = 40;  ///< without extension headers

/// An IPv4 or IPv6 address. Addresses of different versions differ, also IPv4-mapped ones.
struct IpAddress {
    std::array<std::byte, 16> bytes{};  ///< in wire order; IPv4: the first four, the others are zero
    std::uint8_t version = 0;           ///< 4 or 6; 0: no address

    /// From 4 or 16 bytes in wire order.
    static IpAddress from_ipv4(const std::byte* at) noexcept;
    static IpAddress from_ipv6(const std::byte* at) noexcept;

    /// Length on the wire.
    constexpr std::uint32_t length() const noexcept { return version == 4 ? 4 : 16; }

    friend bool operator==(const IpAddress&, const IpAddress&) noexcept = default;
    friend std::strong_ordering operator<=>(const IpAddress&, const IpAddress&) noexcept = default;
};

/// Addresses of special use (RFC 6890). Each takes both versions; no address has none of these properties.
constexpr bool is_unspecified(const IpAddress& address) noexcept {
    return address.version != 0 && address.bytes == std::array<std::byte, 16>{};
}
constexpr bool is_multicast(const IpAddress& address) noexcept {
    return address.version == 4 ? (address.bytes[0] & std::byte{0xF0}) == std::byte{0xE0}
                                : address.version == 6 && address.bytes[0] == std::byte{0xFF};
}
/// 127.0.0.0/8 and ::1.
bool is_loopback(const IpAddress& address) noexcept;
/// 169.254.0.0/16 (RFC 3927) and fe80::/10.
constexpr bool is_link_local(const IpAddress& address) noexcept {
    return address.version == 4 ? address.bytes[0] == std::byte{169} && address.bytes[1] == std::byte{254}
                                : address.version == 6 && address.bytes[0] == std::byte{0xFE} &&
                                      (address.bytes[1] & std::byte{0xC0}) == std::byte{0x80};
}

/// How many of the first bits are equal, 0 to 128; IPv4 addresses have at most 32.
unsigned common_prefix(const IpAddress& a, const IpAddress& b) noexcept;

struct Ipv4Header {
    IpAddress source{};
    IpAddress destination{};
    std::uint32_t total_length = 0;  ///< bytes of the packet, header included: 20 to 65535
    std::uint16_t identification = 0;
    std::uint16_t fragment_offset = 0;  ///< in bytes, a multiple of 8
    bool dont_fragment = false;
    bool more_fragments = false;
    bool source_routed = false;      ///< the final destination is in an option; not written
    std::uint8_t traffic_class = 0;  ///< DSCP and ECN
    std::uint8_t hop_limit = 64;     ///< time to live (RFC 1340: 64)
    std::uint8_t protocol = 0;

    constexpr bool is_fragment() const noexcept { return more_fragments || fragment_offset != 0; }
    /// It does not begin with a transport header.
    constexpr bool is_later_fragment() const noexcept { return fragment_offset != 0; }
    friend bool operator==(const Ipv4Header&, const Ipv4Header&) noexcept = default;
};

struct Ipv6Header {
    IpAddress source{};
    IpAddress destination{};
    std::uint32_t total_length = 0;  ///< bytes of the packet, header included: 40 to 65575
    std::uint32_t flow_label = 0;    ///< 20 bits
    bool fragment = false;           ///< any fragment; not written
    bool later_fragment = false;     ///< it does not begin with a transport header; not written
    bool source_routed = false;      ///< the final destination is in an extension header; not written
    std::uint8_t traffic_class = 0;  ///< DSCP and ECN
    std::uint8_t hop_limit = 64;
    std::uint8_t protocol = 0;  ///< after the extension headers that are understood

    constexpr bool is_fragment() const noexcept { return fragment; }
    constexpr bool is_later_fragment() const noexcept { return later_fragment; }
    friend bool operator==(const Ipv6Header&, const Ipv6Header&) noexcept = default;
};

/// Read the header at the start of a packet. What follows total_length is padding of the link. The checksum
/// of the IPv4 header is verified; fragments are accepted and flagged. IPv6 jumbograms (RFC 2675) are not
/// understood: their packet ends after 40 bytes.
HeaderRead read_header(std::span<const std::byte> packet, Ipv4Header& header) noexcept;
HeaderRead read_header(std::span<const std::byte> packet, Ipv6Header& header) noexcept;

/// Write a header without options or extension headers, and the checksum of IPv4. `to` has room for
/// kIpv4HeaderLength or kIpv6HeaderLength bytes.
void write_header(const Ipv4Header& header, std::byte* to) noexcept;
void write_header(const Ipv6Header& header, std::byte* to) noexcept;

/// The part of a TCP, UDP or ICMPv6 checksum that covers the addresses (RFC 9293 3.1; RFC 8200 8.1). `length`
/// counts the transport header and its payload. Both addresses are of one version.
Sum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                      std::uint32_t length) noexcept;

}  // namespace l2echo::wire

/// Not keyed: a table whose addresses a peer can choose needs a hash with a secret.
template <>
struct std::hash<l2echo::wire::IpAddress> {
    std::size_t operator()(const l2echo::wire::IpAddress& address) const noexcept;
};
