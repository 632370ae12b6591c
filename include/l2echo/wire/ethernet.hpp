// The Ethernet header (IEEE 802.3, clause 3.1.1) and its VLAN tag (IEEE 802.1Q, 9.3) as integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
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
inline constexpr std::uint16_t kEtherTypeArp = wire_order(0x0806);
inline constexpr std::uint16_t kEtherTypeVlan = wire_order(0x8100);  ///< TPID of a customer VLAN tag

inline constexpr MacAddress kBroadcastMac = kMacMask;

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

/// Read and write one address, 6 bytes, anywhere in a packet.
inline MacAddress load_mac(const std::byte* at) noexcept {
    MacAddress mac = 0;
    std::memcpy(&mac, at, 6);
    return mac;
}
inline void store_mac(std::byte* at, MacAddress mac) noexcept {
    std::memcpy(at, &mac, 6);
}

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

/// What write_header() writes. read_headers() of frame_headers.hpp reads it, with any tags.
struct EthernetHeader {
    MacAddress destination = 0;
    MacAddress source = 0;
    std::uint16_t type = 0;  ///< EtherType of the payload in memory order
    /// Tag control information: priority (3 bits), drop eligible, VLAN ID (12 bits), in host byte order.
    /// Without it, the frame has no tag.
    std::optional<std::uint16_t> tag;
};

/// Length of the header that write_header() writes: 14 or 18 bytes.
constexpr std::uint32_t header_length(const EthernetHeader& header) noexcept {
    return kEthernetHeaderLength + (header.tag ? kVlanTagLength : 0);
}

/// Writes the header and returns header_length(). `to` has room for it.
inline std::uint32_t write_header(const EthernetHeader& header, std::byte* to) noexcept {
    store_swapped(to, {header.source, header.destination});
    std::byte* type = to + 12;
    if (header.tag) {
        std::memcpy(type, &kEtherTypeVlan, sizeof kEtherTypeVlan);
        store_be16(type + 2, *header.tag);
        type += kVlanTagLength;
    }
    std::memcpy(type, &header.type, sizeof header.type);
    return header_length(header);
}

}  // namespace l2echo::wire
