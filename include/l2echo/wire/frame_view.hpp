// A read-only view of a frame for code that does not need an mbuf.
#pragma once

#include <cstddef>
#include <cstdint>

namespace l2echo::wire {

/// Non-owning view of the bytes from the destination MAC on, without FCS. Pass it by reference: passed by
/// value, GCC packs the two lengths into one register through a vector register, which costs 2 cycles per
/// frame.
struct FrameView {
    const std::byte* data = nullptr;
    std::uint32_t length = 0;        ///< readable bytes at `data`, that is, the first segment
    std::uint32_t frame_length = 0;  ///< bytes in the whole frame; at least `length`
};

}  // namespace l2echo::wire
