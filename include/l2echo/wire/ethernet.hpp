// The first 14 bytes of an Ethernet frame (IEEE 802.3, clause 3.1.1) as integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {

inline constexpr std::uint32_t kEthernetHeaderLength = 14;
inline constexpr std::uint32_t kVlanTagLength = 4;

/// A MAC address in the low 48 bits, first byte on the wire lowest.
using MacAddress = std::uint64_t;

inline constexpr MacAddress kMacMask = 0xFFFF'FFFF'FFFF;

/// EtherTypes in memory order (big-endian, as on the wire).
inline constexpr std::uint16_t kEtherTypeIpv4 = wire_order(0x0800);
inline constexpr std::uint16_t kEtherTypeIpv6 = wire_order(0x86DD);

/// True for a group address: the individual/group bit is the lowest bit of the first byte (IEEE
/// 802.3, 3.2.3).
constexpr bool is_group(MacAddress mac) noexcept {
    return (mac & 1) != 0;
}

/// Formats an address, such as "02:00:5e:00:00:01".
std::string format_mac(MacAddress mac);

struct MacPair {
    MacAddress destination;
    MacAddress source;
};

/// Reads the 12 address bytes and nothing beyond them.
inline MacPair load_mac_pair(const std::byte* frame) noexcept {
    std::uint64_t low;   // destination, first two bytes of the source
    std::uint32_t high;  // last four bytes of the source
    std::memcpy(&low, frame, sizeof low);
    std::memcpy(&high, frame + sizeof low, sizeof high);
    return {low & kMacMask, low >> 48 | std::uint64_t{high} << 16};
}

/// Writes the 12 address bytes with source and destination swapped.
inline void store_swapped(std::byte* frame, const MacPair& macs) noexcept {
    const std::uint64_t low = macs.source | macs.destination << 48;
    const auto high = static_cast<std::uint32_t>(macs.destination >> 16);
    std::memcpy(frame, &low, sizeof low);
    std::memcpy(frame + sizeof low, &high, sizeof high);
}

/// Returns the EtherType of an untagged frame, or the TPID of the first VLAN tag, in memory order.
inline std::uint16_t load_ether_type(const std::byte* frame) noexcept {
    std::uint16_t type;
    std::memcpy(&type, frame + 12, sizeof type);
    return type;
}

}  // namespace l2echo::wire
