// ICMP (RFC 792) and ICMPv6 (RFC 4443) messages in both directions. Their headers have one shape; type
// numbers and checksums differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/wire/header_read.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kIcmpHeaderLength = 8;
inline constexpr std::uint32_t kIcmpChecksumOffset = 2;

/// Types of ICMP (RFC 792).
namespace icmpv4 {
inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kDestinationUnreachable = 3;
inline constexpr std::uint8_t kSourceQuench = 4;
inline constexpr std::uint8_t kRedirect = 5;
inline constexpr std::uint8_t kEchoRequest = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;
}  // namespace icmpv4

/// Types of ICMPv6 (RFC 4443, RFC 4861).
namespace icmpv6 {
inline constexpr std::uint8_t kDestinationUnreachable = 1;
inline constexpr std::uint8_t kPacketTooBig = 2;
inline constexpr std::uint8_t kTimeExceeded = 3;
inline constexpr std::uint8_t kParameterProblem = 4;
inline constexpr std::uint8_t kEchoRequest = 128;
inline constexpr std::uint8_t kEchoReply = 129;
inline constexpr std::uint8_t kNeighborSolicitation = 135;
inline constexpr std::uint8_t kNeighborAdvertisement = 136;
inline constexpr std::uint8_t kRedirect = 137;
}  // namespace icmpv6

/// The first 8 bytes of a message. The type decides what the last 4 of them mean.
struct IcmpHeader {
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;  ///< bytes 4 to 7 as one number in host byte order

    /// Echo request and reply.
    constexpr std::uint16_t identifier() const noexcept { return static_cast<std::uint16_t>(rest >> 16); }
    constexpr std::uint16_t sequence() const noexcept { return static_cast<std::uint16_t>(rest); }
    static constexpr std::uint32_t echo(std::uint16_t identifier, std::uint16_t sequence) noexcept {
        return std::uint32_t{identifier} << 16 | sequence;
    }

    friend bool operator==(const IcmpHeader&, const IcmpHeader&) noexcept = default;
};

/// Reads the header at the start of a message. The checksum is not verified: icmp_checksum_is_right() does.
HeaderRead read_header(std::span<const std::byte> message, IcmpHeader& header) noexcept;

/// Writes the header, with a checksum field of zero. `to` has room for kIcmpHeaderLength bytes.
void write_header(const IcmpHeader& header, std::byte* to) noexcept;

/// True if the checksum of the whole message is right. ICMPv6 also covers the addresses (RFC 4443 2.3). Both
/// addresses are of one version, which decides.
bool icmp_checksum_is_right(const IpAddress& source, const IpAddress& destination,
                            std::span<const std::byte> message) noexcept;

/// Writes the checksum of the whole message. Its field must be zero.
void store_icmp_checksum(const IpAddress& source, const IpAddress& destination,
                         std::span<std::byte> message) noexcept;

/// True for messages that report an error, and for redirects: nobody may answer them with an error
/// (RFC 1122 3.2.2, RFC 4443 2.4 e). `version` is that of IP.
constexpr bool reports_error(std::uint8_t version, std::uint8_t type) noexcept {
    if (version == 6)
        return type < icmpv6::kEchoRequest || type == icmpv6::kRedirect;
    return type == icmpv4::kDestinationUnreachable || type == icmpv4::kSourceQuench ||
           type == icmpv4::kRedirect || type == icmpv4::kTimeExceeded || type == icmpv4::kParameterProblem;
}

/// The headers of a packet whose end may be missing, as that of one that an error quotes.
struct QuotedPacket {
    IpAddress source{};
    IpAddress destination{};
    std::uint32_t total_length = 0;  ///< as the packet says, often more than is quoted
    std::uint8_t protocol = 0;       ///< after the IPv6 extension headers that are understood
    bool later_fragment = false;     ///< it does not begin with a transport header
    /// What is there after the IP header. Its bytes are those that were read.
    std::span<const std::byte> payload;
};

/// Reads the header of a packet, of which nothing but the IP header needs to be there. Faults: Truncated if
/// that is incomplete. Neither the checksum nor the length is compared with anything, because routers on the
/// path may have changed the header, and cut the packet.
HeaderRead read_packet(std::uint8_t version, std::span<const std::byte> packet, QuotedPacket& found) noexcept;

/// Reads the packet that an error of 8 bytes and more quotes, without its extensions (RFC 4884). `version` is
/// that of the IP packet that carries the message, and of the quoted one.
HeaderRead read_quote(std::uint8_t version, std::span<const std::byte> message,
                      QuotedPacket& packet) noexcept;

}  // namespace l2echo::wire
