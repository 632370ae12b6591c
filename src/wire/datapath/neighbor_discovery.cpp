#include "l2echo/wire/neighbor_discovery.hpp"

#include <algorithm>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/icmp.hpp"

namespace l2echo::wire {
namespace {

constexpr std::uint32_t kFixedLength = 24;  // header, flags, target
constexpr std::uint32_t kOptionUnit = 8;
constexpr std::uint32_t kMacOptionLength = 8;
constexpr std::uint32_t kNonceOptionLength = 8;
constexpr std::uint32_t kMaxMessageLength = 0xFFF8;  // HeaderRead::length has 16 bits

constexpr unsigned kSourceLinkLayerAddress = 1;
constexpr unsigned kTargetLinkLayerAddress = 2;
constexpr unsigned kNonce = 14;  // RFC 3971 5.3.2

constexpr std::uint32_t kFromRouter = 0x8000'0000;
constexpr std::uint32_t kSolicited = 0x4000'0000;
constexpr std::uint32_t kOverrides = 0x2000'0000;

struct Options {
    std::optional<MacAddress> source_mac;
    std::optional<MacAddress> target_mac;
    std::optional<std::uint64_t> nonce;
};

std::uint64_t load_nonce(const std::byte* at) noexcept {
    return std::uint64_t{load_be16(at)} << 32 | load_be32(at + 2);
}

/// False if an option is malformed.
bool read_options(std::span<const std::byte> bytes, Options& options) noexcept {
    while (!bytes.empty()) {
        if (bytes.size() < kOptionUnit)
            return false;
        const auto kind = std::to_integer<unsigned>(bytes[0]);
        const std::size_t length = kOptionUnit * std::to_integer<std::size_t>(bytes[1]);
        if (length == 0 || length > bytes.size())
            return false;
        const std::byte* value = bytes.data() + 2;
        if (kind == kSourceLinkLayerAddress || kind == kTargetLinkLayerAddress) {
            if (length != kMacOptionLength)  // RFC 2464 6
                return false;
            (kind == kSourceLinkLayerAddress ? options.source_mac : options.target_mac) = load_mac(value);
        } else if (kind == kNonce && length == kNonceOptionLength) {
            options.nonce = load_nonce(value);
        }
        bytes = bytes.subspan(length);
    }
    return true;
}

HeaderRead read_message(std::span<const std::byte> message, std::uint8_t type, Options& options) noexcept {
    if (message.size() < kFixedLength)
        return {0, HeaderFault::Truncated};
    if (message.size() > kMaxMessageLength)
        return {0, HeaderFault::PacketLength};
    if (message[0] != std::byte{type} || message[1] != std::byte{0})
        return {0, HeaderFault::Version};
    if (!read_options(message.subspan(kFixedLength), options))
        return {0, HeaderFault::Option};
    return {static_cast<std::uint16_t>(message.size())};
}

std::byte* write_message(std::uint8_t type, std::uint32_t flags, const IpAddress& target,
                         std::byte* to) noexcept {
    write_header(IcmpHeader{.type = type, .rest = flags}, to);
    std::memcpy(to + kIcmpHeaderLength, target.bytes.data(), 16);
    return to + kFixedLength;
}

std::byte* write_mac_option(unsigned kind, MacAddress mac, std::byte* to) noexcept {
    store_be16(to, static_cast<std::uint16_t>(kind << 8 | kMacOptionLength / kOptionUnit));
    store_mac(to + 2, mac);
    return to + kMacOptionLength;
}

bool is_solicited_node(const IpAddress& address) noexcept {
    const IpAddress group = solicited_node_address(address);  // keeps the last three bytes
    return address == group;
}

}  // namespace

HeaderRead read_header(std::span<const std::byte> message, NeighborSolicitation& solicitation) noexcept {
    Options options;
    const HeaderRead read = read_message(message, icmpv6::kNeighborSolicitation, options);
    if (read)
        solicitation = {.target = IpAddress::from_ipv6(message.data() + kIcmpHeaderLength),
                        .source_mac = options.source_mac,
                        .nonce = options.nonce};
    return read;
}

HeaderRead read_header(std::span<const std::byte> message, NeighborAdvertisement& advertisement) noexcept {
    Options options;
    const HeaderRead read = read_message(message, icmpv6::kNeighborAdvertisement, options);
    if (!read)
        return read;
    const std::uint32_t flags = load_be32(message.data() + 4);
    advertisement = {.target = IpAddress::from_ipv6(message.data() + kIcmpHeaderLength),
                     .from_router = (flags & kFromRouter) != 0,
                     .solicited = (flags & kSolicited) != 0,
                     .overrides = (flags & kOverrides) != 0,
                     .target_mac = options.target_mac};
    return read;
}

bool is_valid(const NeighborSolicitation& solicitation, const Ipv6Header& packet) noexcept {
    if (packet.hop_limit != kNeighborHopLimit || is_multicast(solicitation.target) ||
        is_multicast(packet.source))
        return false;
    return !is_unspecified(packet.source) ||
           (is_solicited_node(packet.destination) && !solicitation.source_mac);
}

bool is_valid(const NeighborAdvertisement& advertisement, const Ipv6Header& packet) noexcept {
    return packet.hop_limit == kNeighborHopLimit && !is_multicast(advertisement.target) &&
           !is_multicast(packet.source) && !is_unspecified(packet.source) &&
           (!is_multicast(packet.destination) || !advertisement.solicited);
}

std::uint32_t write_header(const NeighborSolicitation& solicitation, std::byte* to) noexcept {
    std::byte* option = write_message(icmpv6::kNeighborSolicitation, 0, solicitation.target, to);
    if (solicitation.source_mac)
        option = write_mac_option(kSourceLinkLayerAddress, *solicitation.source_mac, option);
    if (solicitation.nonce) {
        store_be16(option, kNonce << 8 | kNonceOptionLength / kOptionUnit);
        store_be16(option + 2, static_cast<std::uint16_t>(*solicitation.nonce >> 32));
        store_be32(option + 4, static_cast<std::uint32_t>(*solicitation.nonce));
        option += kNonceOptionLength;
    }
    return static_cast<std::uint32_t>(option - to);
}

std::uint32_t write_header(const NeighborAdvertisement& advertisement, std::byte* to) noexcept {
    const std::uint32_t flags = (advertisement.from_router ? kFromRouter : 0) |
                                (advertisement.solicited ? kSolicited : 0) |
                                (advertisement.overrides ? kOverrides : 0);
    std::byte* option = write_message(icmpv6::kNeighborAdvertisement, flags, advertisement.target, to);
    if (advertisement.target_mac)
        option = write_mac_option(kTargetLinkLayerAddress, *advertisement.target_mac, option);
    return static_cast<std::uint32_t>(option - to);
}

IpAddress all_nodes_address() noexcept {
    IpAddress group{.bytes = {}, .version = 6};
    group.bytes[0] = std::byte{0xFF};
    group.bytes[1] = std::byte{0x02};
    group.bytes[15] = std::byte{0x01};
    return group;
}

IpAddress solicited_node_address(const IpAddress& address) noexcept {
    IpAddress group = all_nodes_address();
    group.bytes[11] = std::byte{0x01};
    group.bytes[12] = std::byte{0xFF};
    std::copy(address.bytes.begin() + 13, address.bytes.end(), group.bytes.begin() + 13);
    return group;
}

MacAddress multicast_mac(const IpAddress& group) noexcept {
    std::array<std::byte, 6> mac;
    if (group.version == 4) {
        mac = {std::byte{0x01}, std::byte{0x00}, std::byte{0x5E}, group.bytes[1] & std::byte{0x7F},
               group.bytes[2],  group.bytes[3]};
    } else {
        mac = {std::byte{0x33}, std::byte{0x33}, group.bytes[12],
               group.bytes[13], group.bytes[14], group.bytes[15]};
    }
    return load_mac(mac.data());
}

}  // namespace l2echo::wire
