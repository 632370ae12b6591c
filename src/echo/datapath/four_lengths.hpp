// Lengths of four frames at once, in vector registers like their headers (header_vector.hpp).
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace l2echo::echo {

/// 16 bytes of an mbuf from packet_type on, as words in memory order. The second word is pkt_len, the lower
/// half of the third is data_len.
using LengthVector = std::uint32_t __attribute__((vector_size(16)));

/// Sum of pkt_len over frames. 65 536 frames of 64 KiB fit, 128 times the maximum burst.
class FrameBytes {
  public:
    std::uint32_t sum() const noexcept { return words_[1]; }

  private:
    friend class FourLengths;
    LengthVector words_{};
};

class FourLengths {
  public:
    explicit FourLengths(rte_mbuf* const* frames) noexcept {
        constexpr std::size_t kBegin = offsetof(rte_mbuf, packet_type);
        static_assert(offsetof(rte_mbuf, pkt_len) == kBegin + 4);
        static_assert(offsetof(rte_mbuf, data_len) == kBegin + 8);
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i)
            std::memcpy(&words_[i], reinterpret_cast<const std::byte*>(frames[i]) + kBegin, sizeof words_[i]);
    }

    /// Returns the smallest data_len of the four.
    std::uint16_t shortest_data() const noexcept {
        using Halves = std::uint16_t __attribute__((vector_size(16)));
        const auto lesser = [](Halves a, Halves b) { return a < b ? a : b; };
        const auto halves = [this](std::size_t i) { return reinterpret_cast<Halves>(words_[i]); };
        return lesser(lesser(halves(0), halves(1)), lesser(halves(2), halves(3)))[4];
    }

    /// Returns the largest pkt_len of the four.
    std::uint32_t longest_frame() const noexcept {
        const auto greater = [](LengthVector a, LengthVector b) { return a > b ? a : b; };
        return greater(greater(words_[0], words_[1]), greater(words_[2], words_[3]))[1];
    }

    void add_to(FrameBytes& bytes) const noexcept {
        bytes.words_ += (words_[0] + words_[1]) + (words_[2] + words_[3]);
    }

  private:
    std::array<LengthVector, 4> words_;
};

}  // namespace l2echo::echo
