// Bytes of a frame that are on the line and not in an mbuf.
#pragma once

#include <cstdint>

namespace l2echo::wire {

/// Frame check sequence (IEEE 802.3, 3.2.9). Frame sizes count it, as RFC 2544 does.
inline constexpr std::uint32_t kFcsLength = 4;
/// Preamble, start delimiter and interpacket gap (IEEE 802.3, 3.1.1 and 4.4.2).
inline constexpr std::uint32_t kGapAndPreamble = 20;
/// What layer 1 adds to a frame without FCS.
inline constexpr std::uint32_t kLayer1Overhead = kFcsLength + kGapAndPreamble;

/// Bits at layer 1 of `frames` frames that have `bytes` bytes in all, without FCS.
constexpr double layer1_bits(double frames, double bytes) noexcept {
    return 8 * (bytes + kLayer1Overhead * frames);
}

}  // namespace l2echo::wire
