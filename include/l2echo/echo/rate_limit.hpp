// The most that one queue pair echoes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::echo {

/// Generic cell rate algorithm (ITU-T I.371): every frame moves the time at which the next one would be due;
/// a frame that would come too long before its time is over the rate. One worker only.
class RateLimit {
  public:
    RateLimit() = default;  ///< no limit
    /// One of the two is not 0. Bits are those of layer 1.
    RateLimit(double frames_per_second, double bits_per_second, double tsc_hz) noexcept
        : cycles_per_frame_(frames_per_second > 0 ? tsc_hz / frames_per_second : 0),
          cycles_per_byte_(bits_per_second > 0 ? 8 * tsc_hz / bits_per_second : 0),
          tolerance_(std::max(kToleranceSeconds * tsc_hz,
                              kMinBurst * (cycles_per_frame_ + kLongFrame * cycles_per_byte_))) {}

    bool limited() const noexcept { return cycles_per_frame_ + cycles_per_byte_ > 0; }

    /// `now` in TSC cycles, not less than at the call before; `bytes` of layer 2 without FCS.
    bool take(std::uint64_t now, std::uint32_t bytes) noexcept {
        ahead_ = std::max(0.0, ahead_ - static_cast<double>(now - last_));
        last_ = now;
        if (ahead_ > tolerance_)
            return false;
        ahead_ += cycles_per_frame_ + cycles_per_byte_ * (bytes + wire::kLayer1Overhead);
        return true;
    }

  private:
    static constexpr double kToleranceSeconds = 0.001;  ///< a sender's bursts are let through
    static constexpr double kMinBurst = 32;             ///< frames, at low rates
    static constexpr double kLongFrame = 1538;          ///< bytes at layer 1

    double cycles_per_frame_ = 0;
    double cycles_per_byte_ = 0;
    double tolerance_ = 0;
    std::uint64_t last_ = 0;  ///< when a frame last asked
    double ahead_ = 0;  ///< cycles from then to when the next is due; a time itself would outgrow a double
};

}  // namespace l2echo::echo
