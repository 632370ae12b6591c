// Numbers that depend on a seed alone, on every machine and with every standard library.
#pragma once

#include <cstdint>

namespace l2echo::sim {

/// SplitMix64: a counter and a mix of its bits (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014).
class Random {
  public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
    /// A stream of its own for each use, so that what one part of a schedule draws does not change the
    /// others.
    Random(std::uint64_t seed, std::uint64_t stream) noexcept : state_(seed) {
        state_ = next() ^ (stream * 0x9E37'79B9'7F4A'7C15);
    }

    std::uint64_t next() noexcept {
        std::uint64_t mixed = state_ += 0x9E37'79B9'7F4A'7C15;
        mixed = (mixed ^ mixed >> 30) * 0xBF58'476D'1CE4'E5B9;
        mixed = (mixed ^ mixed >> 27) * 0x94D0'49BB'1331'11EB;
        return mixed ^ mixed >> 31;
    }
    /// 0 to bound - 1; 0 if the bound is 0. The bias is below 2^-32 for the bounds that are used here.
    std::int64_t below(std::int64_t bound) noexcept {
        return bound > 0 ? static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(bound)) : 0;
    }
    /// Both ends are included.
    std::int64_t between(std::int64_t low, std::int64_t high) noexcept { return low + below(high - low + 1); }
    /// True in `parts` of a million cases. Draws nothing if that is never.
    bool chance(std::int64_t parts_per_million) noexcept {
        return parts_per_million > 0 && below(1'000'000) < parts_per_million;
    }
    bool one_in(std::int64_t count) noexcept { return below(count) == 0; }

  private:
    std::uint64_t state_;
};

}  // namespace l2echo::sim
