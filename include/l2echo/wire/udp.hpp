// The UDP header (RFC 768) in both directions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/header_read.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kUdpHeaderLength = 8;
inline constexpr std::uint32_t kUdpChecksumOffset = 6;

/// All numbers in host byte order.
struct UdpHeader {
    std::uint16_t source_port = 0;  ///< 0: the sender expects no answer
    std::uint16_t destination_port = 0;
    std::uint16_t total_length = kUdpHeaderLength;  ///< bytes of the datagram, header included: 8 to 65535
    bool has_checksum = false;  ///< false: the field is zero. Not written: write_header() leaves it zero

    friend bool operator==(const UdpHeader&, const UdpHeader&) noexcept = default;
};

/// Reads the header at the start of `datagram`, the payload of an IP packet. What follows total_length does
/// not belong to the datagram. A length of zero, which jumbograms have (RFC 2675), is a fault. The checksum
/// is not verified here, because it covers the payload, which is summed while it is copied.
HeaderRead read_header(std::span<const std::byte> datagram, UdpHeader& header) noexcept;

/// Writes the header, with a checksum field of zero. `to` has room for kUdpHeaderLength bytes.
void write_header(const UdpHeader& header, std::byte* to) noexcept;

/// True if the datagram may be delivered. `sum` is pseudo_header_sum() plus the sum of total_length bytes,
/// and `version` that of IP: a datagram without a checksum is allowed over IPv4 only (RFC 768; RFC 8200 8.1).
constexpr bool checksum_holds(const UdpHeader& header, std::uint8_t version, Sum sum) noexcept {
    return header.has_checksum ? is_right(sum) : version == 4;
}

/// Writes the checksum of what `sum` covers, summed while the field was zero. A checksum of zero is sent as
/// 0xFFFF, because zero means that there is none (RFC 768).
void store_udp_checksum(std::byte* datagram, Sum sum) noexcept;

}  // namespace l2echo::wire
