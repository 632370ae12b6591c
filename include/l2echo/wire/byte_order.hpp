// Big-endian wire fields on a little-endian machine.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace l2echo::wire {

static_assert(std::endian::native == std::endian::little, "fields are converted for little-endian machines");

/// Converts a 16-bit constant to wire order, so that the frame path compares fields without swapping bytes.
constexpr std::uint16_t wire_order(std::uint16_t host) noexcept {
    return static_cast<std::uint16_t>(host << 8 | host >> 8);
}

/// Reads a big-endian field; `at` need not be aligned.
constexpr std::uint16_t load_be16(const std::byte* at) noexcept {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(at[0]) << 8 |
                                      std::to_integer<unsigned>(at[1]));
}
constexpr void store_be16(std::byte* at, std::uint16_t value) noexcept {
    at[0] = static_cast<std::byte>(value >> 8);
    at[1] = static_cast<std::byte>(value);
}

constexpr std::uint32_t load_be32(const std::byte* at) noexcept {
    return std::uint32_t{load_be16(at)} << 16 | load_be16(at + 2);
}
constexpr void store_be32(std::byte* at, std::uint32_t value) noexcept {
    store_be16(at, static_cast<std::uint16_t>(value >> 16));
    store_be16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace l2echo::wire
