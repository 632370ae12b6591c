// A frame as those read it who need no mbuf.
#pragma once

#include <cstddef>
#include <cstdint>

namespace l2echo::wire {

/// Bytes from the destination MAC on, without FCS. Owns nothing. Passed by reference: GCC packs the two
/// lengths of a value into one register by way of a vector register, which costs a frame 2 cycles.
struct FrameView {
    const std::byte* data = nullptr;
    std::uint32_t length = 0;        ///< bytes that may be read at `data`: the first segment
    std::uint32_t frame_length = 0;  ///< bytes of the whole frame, at least `length`
};

}  // namespace l2echo::wire
