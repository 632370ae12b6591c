#include "l2echo/wire/ip.hpp"

#include <bit>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "wire/datapath/ip_extensions.hpp"

namespace l2echo::wire {
namespace {

constexpr std::uint16_t kDontFragment = 0x4000;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFragmentOffset = 0x1FFF;  // in units of 8 bytes

constexpr HeaderRead fault(HeaderFault reason) noexcept {
    return {0, reason};
}

unsigned version_of(const std::byte* packet) noexcept {
    return std::to_integer<unsigned>(packet[0]) >> 4;
}

}  // namespace

IpAddress IpAddress::from_ipv4(const std::byte* at) noexcept {
    IpAddress address;
    std::memcpy(address.bytes.data(), at, 4);
    address.version = 4;
    return address;
}

IpAddress IpAddress::from_ipv6(const std::byte* at) noexcept {
    IpAddress address;
    std::memcpy(address.bytes.data(), at, 16);
    address.version = 6;
    return address;
}

bool is_loopback(const IpAddress& address) noexcept {
    constexpr IpAddress kLoopback6{
        .bytes = {{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}}}, .version = 6};
    return address.version == 4 ? address.bytes[0] == std::byte{127} : address == kLoopback6;
}

unsigned common_prefix(const IpAddress& a, const IpAddress& b) noexcept {
    if (a.version != b.version)
        return 0;
    for (unsigned i = 0; i < a.length(); ++i) {
        const auto different = std::to_integer<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
        if (different != 0)
            return 8 * i + static_cast<unsigned>(std::countl_zero(different));
    }
    return 8 * a.length();
}

HeaderRead read_header(std::span<const std::byte> packet, Ipv4Header& header) noexcept {
    const std::byte* ip = packet.data();
    if (packet.empty())
        return fault(HeaderFault::Truncated);
    if (version_of(ip) != 4)
        return fault(HeaderFault::Version);
    const std::uint32_t length = 4 * (std::to_integer<unsigned>(ip[0]) & 0xF);
    if (length < kIpv4HeaderLength)
        return fault(HeaderFault::HeaderLength);
    if (packet.size() < length)
        return fault(HeaderFault::Truncated);
    const std::uint32_t total = load_be16(ip + 2);
    if (total < length || total > packet.size())
        return fault(HeaderFault::PacketLength);
    const Ipv4Options options = walk_ipv4_options(ip + kIpv4HeaderLength, ip + length);
    if (options == Ipv4Options::Malformed)
        return fault(HeaderFault::Option);
    if (!is_right(sum_of(packet.first(length))))
        return fault(HeaderFault::Checksum);
    const std::uint16_t fragment = load_be16(ip + 6);
    header = {.source = IpAddress::from_ipv4(ip + 12),
              .destination = IpAddress::from_ipv4(ip + 16),
              .total_length = total,
              .identification = load_be16(ip + 4),
              .fragment_offset = static_cast<std::uint16_t>((fragment & kFragmentOffset) * 8),
              .dont_fragment = (fragment & kDontFragment) != 0,
              .more_fragments = (fragment & kMoreFragments) != 0,
              .source_routed = options == Ipv4Options::SourceRouted,
              .traffic_class = std::to_integer<std::uint8_t>(ip[1]),
              .hop_limit = std::to_integer<std::uint8_t>(ip[8]),
              .protocol = std::to_integer<std::uint8_t>(ip[9])};
    return {static_cast<std::uint16_t>(length)};
}

HeaderRead read_header(std::span<const std::byte> packet, Ipv6Header& header) noexcept {
    const std::byte* ip = packet.data();
    if (packet.empty())
        return fault(HeaderFault::Truncated);
    if (version_of(ip) != 6)
        return fault(HeaderFault::Version);
    if (packet.size() < kIpv6HeaderLength)
        return fault(HeaderFault::Truncated);
    const std::uint32_t total = kIpv6HeaderLength + load_be16(ip + 4);
    if (total > packet.size())
        return fault(HeaderFault::PacketLength);
    const Ipv6Extensions extensions =
        walk_ipv6_extensions(ip, kIpv6HeaderLength, total, std::to_integer<std::uint8_t>(ip[6]));
    // HeaderRead::length has 16 bits. No sender needs 64 KiB of extension headers.
    if (!extensions.complete || extensions.end > 0xFFFF)
        return fault(HeaderFault::Option);
    header = {.source = IpAddress::from_ipv6(ip + 8),
              .destination = IpAddress::from_ipv6(ip + 24),
              .total_length = total,
              .flow_label = load_be32(ip) & 0xF'FFFF,
              .fragment = extensions.fragment,
              .later_fragment = extensions.later_fragment,
              .source_routed = extensions.source_routed,
              .traffic_class = static_cast<std::uint8_t>(load_be16(ip) >> 4),
              .hop_limit = std::to_integer<std::uint8_t>(ip[7]),
              .protocol = extensions.protocol};
    return {static_cast<std::uint16_t>(extensions.end)};
}

void write_header(const Ipv4Header& header, std::byte* to) noexcept {
    const unsigned fragment = header.fragment_offset / 8U | (header.dont_fragment ? kDontFragment : 0U) |
                              (header.more_fragments ? kMoreFragments : 0U);
    to[0] = std::byte{0x45};
    to[1] = std::byte{header.traffic_class};
    store_be16(to + 2, static_cast<std::uint16_t>(header.total_length));
    store_be16(to + 4, header.identification);
    store_be16(to + 6, static_cast<std::uint16_t>(fragment));
    to[8] = std::byte{header.hop_limit};
    to[9] = std::byte{header.protocol};
    store_be16(to + 10, 0);
    std::memcpy(to + 12, header.source.bytes.data(), 4);
    std::memcpy(to + 16, header.destination.bytes.data(), 4);
    store_checksum(to + 10, sum_of({to, kIpv4HeaderLength}));
}

void write_header(const Ipv6Header& header, std::byte* to) noexcept {
    store_be32(to, 6U << 28 | std::uint32_t{header.traffic_class} << 20 | (header.flow_label & 0xF'FFFF));
    store_be16(to + 4, static_cast<std::uint16_t>(header.total_length - kIpv6HeaderLength));
    to[6] = std::byte{header.protocol};
    to[7] = std::byte{header.hop_limit};
    std::memcpy(to + 8, header.source.bytes.data(), 16);
    std::memcpy(to + 24, header.destination.bytes.data(), 16);
}

Sum pseudo_header_sum(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                      std::uint32_t length) noexcept {
    // The unused bytes of an IPv4 address are zero, and add nothing.
    return sum_of(source.bytes) + sum_of(destination.bytes) + wire_order(protocol) +
           wire_order(static_cast<std::uint16_t>(length >> 16)) +
           wire_order(static_cast<std::uint16_t>(length));
}

}  // namespace l2echo::wire

std::size_t std::hash<l2echo::wire::IpAddress>::operator()(
    const l2echo::wire::IpAddress& address) const noexcept {
    std::array<std::uint64_t, 2> halves;
    std::memcpy(halves.data(), address.bytes.data(), sizeof halves);
    // Two odd constants, the fractions of the golden ratio and of the square root of 2, spread the bits of
    // each half.
    const std::uint64_t mixed =
        (halves[0] + address.version) * 0x9E37'79B9'7F4A'7C15 ^ halves[1] * 0x6A09'E667'F3BC'C909;
    return mixed ^ mixed >> 32;
}
