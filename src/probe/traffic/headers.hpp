// Headers above Ethernet in the probe's frames: their lengths, and the sum for their checksums.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace l2echo::probe {

inline constexpr std::uint32_t kIpv4Length = 20;
inline constexpr std::uint32_t kIpv6Length = 40;
inline constexpr std::uint32_t kUdpLength = 8;

/// Returns the one's-complement sum (RFC 1071) of 16-bit words in memory order; an odd last byte is padded
/// with zero.
[[gnu::always_inline]] inline std::uint32_t sum_words(std::span<const std::byte> bytes,
                                                      std::uint32_t sum = 0) noexcept {
    std::size_t at = 0;
    for (; at + 2 <= bytes.size(); at += 2) {
        std::uint16_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        sum += word;
    }
    if (at < bytes.size())
        sum += std::to_integer<std::uint32_t>(bytes[at]);  // little-endian: the first byte is the low one
    return sum;
}

}  // namespace l2echo::probe
