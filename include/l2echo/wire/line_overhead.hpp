// Bytes that a frame occupies on the line but not in an mbuf.
#pragma once

#include <cstdint>

namespace l2echo::wire {

/// Frame check sequence (IEEE 802.3, 3.2.9). Frame sizes include it, as in RFC 2544.
inline constexpr std::uint32_t kFcsLength = 4;
/// Preamble, start delimiter and interpacket gap (IEEE 802.3, 3.1.1 and 4.4.2).
inline constexpr std::uint32_t kGapAndPreamble = 20;
/// Bytes that layer 1 adds to a frame without FCS.
inline constexpr std::uint32_t kLayer1Overhead = kFcsLength + kGapAndPreamble;

/// Returns the layer-1 bits of `frames` frames with `bytes` bytes in total, without FCS.
constexpr double layer1_bits(double frames, double bytes) noexcept {
    return 8 * (bytes + kLayer1Overhead * frames);
}

}  // namespace l2echo::wire
