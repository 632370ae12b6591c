// The rate limit of one queue pair.
#pragma once

#include <algorithm>
#include <cstdint>

#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::echo {

/// Generic cell rate algorithm (ITU-T I.371): every frame advances the theoretical arrival time of the next
/// one; a frame that arrives too early is over the rate. Used by one worker only.
class RateLimit {
  public:
    RateLimit() = default;  ///< no limit
    /// At least one of the two rates must not be 0. Bits are counted at layer 1.
    RateLimit(double frames_per_second, double bits_per_second, double tsc_hz) noexcept
        : cycles_per_frame_(frames_per_second > 0 ? tsc_hz / frames_per_second : 0),
          cycles_per_byte_(bits_per_second > 0 ? 8 * tsc_hz / bits_per_second : 0),
          tolerance_(std::max(kToleranceSeconds * tsc_hz,
                              kMinBurst * (cycles_per_frame_ + kLongFrame * cycles_per_byte_))) {}

    bool limited() const noexcept { return cycles_per_frame_ + cycles_per_byte_ > 0; }

    /// True if the frame is within the rate. `now` is in TSC cycles and must not decrease between calls;
    /// `bytes` are layer 2 without FCS.
    bool take(std::uint64_t now, std::uint32_t bytes) noexcept {
        ahead_ = std::max(0.0, ahead_ - static_cast<double>(now - last_));
        last_ = now;
        if (ahead_ > tolerance_)
            return false;
        ahead_ += cycles_per_frame_ + cycles_per_byte_ * (bytes + wire::kLayer1Overhead);
        return true;
    }

  private:
    static constexpr double kToleranceSeconds = 0.001;  ///< admits bursts of the sender
    static constexpr double kMinBurst = 32;             ///< frames admitted back to back at low rates
    static constexpr double kLongFrame = 1538;          ///< bytes at layer 1

    double cycles_per_frame_ = 0;
    double cycles_per_byte_ = 0;
    double tolerance_ = 0;
    std::uint64_t last_ = 0;  ///< time of the last call of take()
    /// Cycles from last_ to the next arrival time; an absolute time would exceed a double's precision.
    double ahead_ = 0;
};

}  // namespace l2echo::echo
