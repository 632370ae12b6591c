#include "l2echo/wire/icmp.hpp"

#include <algorithm>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "wire/datapath/ip_extensions.hpp"

namespace l2echo::wire {
namespace {

Sum icmp_sum(const IpAddress& source, const IpAddress& destination,
             std::span<const std::byte> message) noexcept {
    const Sum sum = sum_of(message);
    if (source.version == 4)
        return sum;
    return sum + pseudo_header_sum(source, destination, kProtocolIcmpv6,
                                   static_cast<std::uint32_t>(message.size()));
}

/// Bytes of the quoted packet before the extensions, or 0 if there are none. The field is byte 5 of an ICMP
/// and byte 4 of an ICMPv6 message, in units of 4 and of 8 bytes (RFC 4884 4).
std::size_t length_before_extensions(std::uint8_t version, std::span<const std::byte> message) noexcept {
    const auto type = std::to_integer<std::uint8_t>(message[0]);
    if (version == 6)
        return type == icmpv6::kDestinationUnreachable || type == icmpv6::kTimeExceeded
                   ? 8 * std::to_integer<std::size_t>(message[4])
                   : 0;
    return type == icmpv4::kDestinationUnreachable || type == icmpv4::kTimeExceeded ||
                   type == icmpv4::kParameterProblem
               ? 4 * std::to_integer<std::size_t>(message[5])
               : 0;
}

HeaderRead read_ipv4_quote(std::span<const std::byte> quote, QuotedPacket& packet) noexcept {
    const std::byte* ip = quote.data();
    if (quote.size() < kIpv4HeaderLength)
        return {0, HeaderFault::Truncated};
    if (std::to_integer<unsigned>(ip[0]) >> 4 != 4)
        return {0, HeaderFault::Version};
    const std::uint32_t length = 4 * (std::to_integer<unsigned>(ip[0]) & 0xF);
    if (length < kIpv4HeaderLength)
        return {0, HeaderFault::HeaderLength};
    if (length > quote.size())
        return {0, HeaderFault::Truncated};
    packet = {.source = IpAddress::from_ipv4(ip + 12),
              .destination = IpAddress::from_ipv4(ip + 16),
              .total_length = load_be16(ip + 2),
              .protocol = std::to_integer<std::uint8_t>(ip[9]),
              .later_fragment = (load_be16(ip + 6) & 0x1FFF) != 0,
              .payload = quote.subspan(length)};
    return {static_cast<std::uint16_t>(length)};
}

HeaderRead read_ipv6_quote(std::span<const std::byte> quote, QuotedPacket& packet) noexcept {
    const std::byte* ip = quote.data();
    if (quote.size() < kIpv6HeaderLength)
        return {0, HeaderFault::Truncated};
    if (std::to_integer<unsigned>(ip[0]) >> 4 != 6)
        return {0, HeaderFault::Version};
    const auto reach = static_cast<std::uint32_t>(std::min<std::size_t>(quote.size(), 0xFFFF));
    const Ipv6Extensions extensions =
        walk_ipv6_extensions(ip, kIpv6HeaderLength, reach, std::to_integer<std::uint8_t>(ip[6]));
    if (!extensions.complete)
        return {0, HeaderFault::Truncated};
    packet = {.source = IpAddress::from_ipv6(ip + 8),
              .destination = IpAddress::from_ipv6(ip + 24),
              .total_length = kIpv6HeaderLength + load_be16(ip + 4),
              .protocol = extensions.protocol,
              .later_fragment = extensions.later_fragment,
              .payload = quote.subspan(extensions.end)};
    return {static_cast<std::uint16_t>(extensions.end)};
}

}  // namespace

HeaderRead read_header(std::span<const std::byte> message, IcmpHeader& header) noexcept {
    const std::byte* icmp = message.data();
    if (message.size() < kIcmpHeaderLength)
        return {0, HeaderFault::Truncated};
    header = {.type = std::to_integer<std::uint8_t>(icmp[0]),
              .code = std::to_integer<std::uint8_t>(icmp[1]),
              .rest = load_be32(icmp + 4)};
    return {kIcmpHeaderLength};
}

void write_header(const IcmpHeader& header, std::byte* to) noexcept {
    to[0] = std::byte{header.type};
    to[1] = std::byte{header.code};
    store_be16(to + kIcmpChecksumOffset, 0);
    store_be32(to + 4, header.rest);
}

bool icmp_checksum_is_right(const IpAddress& source, const IpAddress& destination,
                            std::span<const std::byte> message) noexcept {
    return is_right(icmp_sum(source, destination, message));
}

void store_icmp_checksum(const IpAddress& source, const IpAddress& destination,
                         std::span<std::byte> message) noexcept {
    store_checksum(message.data() + kIcmpChecksumOffset, icmp_sum(source, destination, message));
}

HeaderRead read_packet(std::uint8_t version, std::span<const std::byte> packet,
                       QuotedPacket& found) noexcept {
    return version == 4 ? read_ipv4_quote(packet, found) : read_ipv6_quote(packet, found);
}

HeaderRead read_quote(std::uint8_t version, std::span<const std::byte> message,
                      QuotedPacket& packet) noexcept {
    if (message.size() < kIcmpHeaderLength)
        return {0, HeaderFault::Truncated};
    std::span<const std::byte> quote = message.subspan(kIcmpHeaderLength);
    const std::size_t quoted = length_before_extensions(version, message);
    if (quoted != 0 && quoted < quote.size())
        quote = quote.first(quoted);
    return read_packet(version, quote, packet);
}

}  // namespace l2echo::wire
