// The first 14 bytes of an Ethernet frame (IEEE 802.3, clause 3.1.1) as integers.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace l2echo {

static_assert(std::endian::native == std::endian::little,
              "MAC addresses are handled as little-endian integers: first byte on the wire lowest");

inline constexpr std::uint32_t kEthernetHeaderLength = 14;
inline constexpr std::uint32_t kVlanTagLength = 4;

/// A MAC address in the low 48 bits, first byte on the wire lowest.
using MacAddress = std::uint64_t;

inline constexpr MacAddress kMacMask = 0xFFFF'FFFF'FFFF;

/// EtherTypes as they lie in memory, so that the frame path compares without swapping bytes.
constexpr std::uint16_t wire_order(std::uint16_t host) noexcept {
    return static_cast<std::uint16_t>(host << 8 | host >> 8);
}
inline constexpr std::uint16_t kEtherTypeIpv4 = wire_order(0x0800);
inline constexpr std::uint16_t kEtherTypeIpv6 = wire_order(0x86DD);

/// The individual/group bit is the lowest of the first byte (IEEE 802.3, 3.2.3).
constexpr bool is_group(MacAddress mac) noexcept {
    return (mac & 1) != 0;
}

/// "02:00:5e:00:00:01"
std::string format_mac(MacAddress mac);

struct MacPair {
    MacAddress destination;
    MacAddress source;
};

/// Reads the 12 address bytes and not one more.
inline MacPair load_mac_pair(const std::byte* frame) noexcept {
    std::uint64_t low;   // destination, first two bytes of the source
    std::uint32_t high;  // last four bytes of the source
    std::memcpy(&low, frame, sizeof low);
    std::memcpy(&high, frame + sizeof low, sizeof high);
    return {low & kMacMask, low >> 48 | std::uint64_t{high} << 16};
}

/// Writes the 12 address bytes with source and destination exchanged.
inline void store_swapped(std::byte* frame, const MacPair& macs) noexcept {
    const std::uint64_t low = macs.source | macs.destination << 48;
    const auto high = static_cast<std::uint32_t>(macs.destination >> 16);
    std::memcpy(frame, &low, sizeof low);
    std::memcpy(frame + sizeof low, &high, sizeof high);
}

/// The type of an untagged frame, or the first tag's; in memory order.
inline std::uint16_t load_ether_type(const std::byte* frame) noexcept {
    std::uint16_t type;
    std::memcpy(&type, frame + 12, sizeof type);
    return type;
}

/// The MACs of our own ports. The frame path asks one question, whatever the number of ports: does the
/// address agree with all bits that our MACs have in common? Only a yes needs a look at the list.
class MacFilter {
  public:
    void add(MacAddress mac) {
        common_bits_ = macs_.empty() ? kMacMask : common_bits_ & ~(mac ^ macs_.front());
        macs_.push_back(mac);
        value_ = mac & common_bits_;
    }
    bool may_contain(MacAddress mac) const noexcept { return (mac & common_bits_) == value_; }
    bool contains(MacAddress mac) const noexcept {
        return may_contain(mac) && std::find(macs_.begin(), macs_.end(), mac) != macs_.end();
    }

    /// The same question of the last four bytes, as a word in memory order: a no is a no for the address.
    struct Tail {
        std::uint32_t common_bits;
        std::uint32_t value;
    };
    Tail tail() const noexcept {
        if (macs_.empty())
            return {0, 1};
        return {static_cast<std::uint32_t>(common_bits_ >> 16), static_cast<std::uint32_t>(value_ >> 16)};
    }

  private:
    std::uint64_t common_bits_ = 0;
    std::uint64_t value_ = 1;  // with no common bits nothing equals 1: the empty filter contains nothing
    std::vector<MacAddress> macs_;
};

}  // namespace l2echo
