// The Internet checksum (RFC 1071).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace l2echo::wire {

/// The one's complement sum of 16-bit words in memory order. Each function below returns at most 0xFFFF, so
/// 65,537 sums can be added with + before they are folded.
using Sum = std::uint32_t;

/// Sums bytes as they count at an even offset of the packet. An odd last byte counts as if a zero followed.
Sum sum_of(std::span<const std::byte> bytes) noexcept;

/// The same while copying, in one pass. `to` has room for from.size() bytes and does not overlap them.
Sum copy_and_sum(std::byte* to, std::span<const std::byte> from) noexcept;

/// The 16 bits of a sum of sums.
constexpr std::uint16_t fold(Sum sum) noexcept {
    sum = (sum & 0xFFFF) + (sum >> 16);
    return static_cast<std::uint16_t>(sum + (sum >> 16));
}

/// The sum of bytes as they count `offset` bytes into the packet: an odd offset swaps the bytes of each word
/// (RFC 1071, 2 B).
constexpr Sum at_offset(Sum sum, std::size_t offset) noexcept {
    const std::uint16_t folded = fold(sum);
    return offset % 2 == 0 ? folded : static_cast<std::uint16_t>(folded << 8 | folded >> 8);
}

/// True if the sum over all that a checksum covers, itself included, is right.
constexpr bool is_right(Sum sum) noexcept {
    return fold(sum) == 0xFFFF;
}

/// Writes the checksum of what `sum` covers, summed while the field was zero.
inline void store_checksum(std::byte* field, Sum sum) noexcept {
    const auto checksum = static_cast<std::uint16_t>(~fold(sum));
    std::memcpy(field, &checksum, sizeof checksum);
}

}  // namespace l2echo::wire
