// Processes four frames at a time, with the first 16 bytes of each in a vector register. Uses the vector
// extensions of GCC and clang, so that one source becomes SSE on x86 and NEON on Arm. A pragma unrolls the
// loops over the four frames: otherwise, at the optimisation level of distributions (-O2), GCC keeps the four
// in memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "l2echo/echo/mac_filter.hpp"
#include "l2echo/wire/ethernet.hpp"

namespace l2echo::echo {

inline constexpr std::uint32_t kHeaderVectorLength = 16;

/// Bytes 0 to 15 of a frame, as words in memory order.
using HeaderVector = std::uint32_t __attribute__((vector_size(kHeaderVectorLength)));

inline HeaderVector load_header(const std::byte* frame) noexcept {
    HeaderVector header;
    std::memcpy(&header, frame, sizeof header);
    return header;
}

/// Writes the 16 bytes with source and destination swapped.
inline void store_swapped(std::byte* frame, HeaderVector header) noexcept {
    using Bytes = std::uint8_t __attribute__((vector_size(kHeaderVectorLength)));
    const auto bytes = reinterpret_cast<Bytes>(header);
    const Bytes swapped =
        __builtin_shufflevector(bytes, bytes, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
    std::memcpy(frame, &swapped, sizeof swapped);
}

using FourHeaders = std::array<HeaderVector, 4>;

/// Vector form of is_ordinary() for addresses and type of four frames at once. It is slightly stricter,
/// because it compares only the last four bytes of MACs. If false, the frames are tested one by one.
inline bool are_ordinary(const FourHeaders& headers, const MacFilter& own_macs) noexcept {
    // Transposes four frames of four words each into four vectors with the same word of each frame.
    const HeaderVector low01 = __builtin_shufflevector(headers[0], headers[1], 0, 4, 1, 5);
    const HeaderVector low23 = __builtin_shufflevector(headers[2], headers[3], 0, 4, 1, 5);
    const HeaderVector high01 = __builtin_shufflevector(headers[0], headers[1], 2, 6, 3, 7);
    const HeaderVector high23 = __builtin_shufflevector(headers[2], headers[3], 2, 6, 3, 7);
    const HeaderVector destination = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);  // bytes 0 to 3
    const HeaderVector both = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);  // bytes 4, 5; source 0, 1
    const HeaderVector source_tail = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);  // bytes 2 to 5
    const HeaderVector type_and_more = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);

    const HeaderVector type = type_and_more & 0xFFFF;
    const HeaderVector destination_tail = destination >> 16 | both << 16;
    const MacFilter::Tail own = own_macs.tail();
    const auto is_ip = (type == wire::kEtherTypeIpv4) | (type == wire::kEtherTypeIpv6);
    const auto is_odd = (source_tail == 0) | (source_tail == destination_tail) |
                        ((source_tail & own.common_bits) == own.value);
    const HeaderVector group_bits = (destination | both >> 16) << 31;
    const HeaderVector verdict =
        reinterpret_cast<HeaderVector>(is_ip) & ~(reinterpret_cast<HeaderVector>(is_odd) | group_bits);

    using Halves = std::uint64_t __attribute__((vector_size(kHeaderVectorLength)));
    constexpr std::uint64_t kSigns = 0x8000'0000'8000'0000;
    const auto halves = reinterpret_cast<Halves>(verdict);
    return (halves[0] & halves[1] & kSigns) == kSigns;
}

/// A header that was found ordinary. A frame with the same addresses and type is ordinary too. Most frames of
/// a burst match, because a tester sends from one MAC to one MAC.
class RecentHeader {
  public:
    bool are_like_it(const FourHeaders& headers) const noexcept {
        HeaderVector difference{};
#pragma GCC unroll 4
        for (const HeaderVector& header : headers)
            difference |= header ^ header_;
        using Halves = std::uint64_t __attribute__((vector_size(kHeaderVectorLength)));
        const auto halves = reinterpret_cast<Halves>((difference & kAddressesAndType) | nobody_);
        return (halves[0] | halves[1]) == 0;
    }
    void remember(const HeaderVector& header) noexcept {
        header_ = header;
        nobody_ = HeaderVector{};
    }

  private:
    static constexpr HeaderVector kAddressesAndType{~0U, ~0U, ~0U, 0xFFFF};

    HeaderVector header_{};
    HeaderVector nobody_ = ~HeaderVector{};  ///< all ones until remember() is called
};

}  // namespace l2echo::echo
