#include "l2echo/wire/arp.hpp"

#include <cstring>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {
namespace {

constexpr std::uint32_t kEthernetAndIpv4 = 0x0001'0800;  // hardware and protocol type
constexpr std::uint16_t kAddressLengths = 0x0604;

}  // namespace

HeaderRead read_header(std::span<const std::byte> payload, ArpPacket& packet) noexcept {
    const std::byte* arp = payload.data();
    if (payload.size() < kArpLength)
        return {0, HeaderFault::Truncated};
    const std::uint16_t operation = load_be16(arp + 6);
    if (load_be32(arp) != kEthernetAndIpv4 || operation < 1 || operation > 2)
        return {0, HeaderFault::Version};
    if (load_be16(arp + 4) != kAddressLengths)
        return {0, HeaderFault::HeaderLength};
    packet = {.operation = static_cast<ArpOperation>(operation),
              .sender_mac = load_mac(arp + 8),
              .sender = IpAddress::from_ipv4(arp + 14),
              .target_mac = load_mac(arp + 18),
              .target = IpAddress::from_ipv4(arp + 24)};
    return {kArpLength};
}

void write_header(const ArpPacket& packet, std::byte* to) noexcept {
    store_be32(to, kEthernetAndIpv4);
    store_be16(to + 4, kAddressLengths);
    store_be16(to + 6, static_cast<std::uint16_t>(packet.operation));
    store_mac(to + 8, packet.sender_mac);
    std::memcpy(to + 14, packet.sender.bytes.data(), 4);
    store_mac(to + 18, packet.target_mac);
    std::memcpy(to + 24, packet.target.bytes.data(), 4);
}

}  // namespace l2echo::wire
