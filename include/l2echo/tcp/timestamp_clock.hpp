// The clock of the timestamps option (RFC 7323 5.4): milliseconds, with an offset per connection, so that a
// peer does not learn the time since the start.
#pragma once

#include <cstdint>

#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

class TimestampClock {
  public:
    constexpr TimestampClock() noexcept = default;
    constexpr explicit TimestampClock(std::uint32_t offset) noexcept : offset_(offset) {}

    constexpr std::uint32_t offset() const noexcept { return offset_; }

    /// The timestamp of a segment that is sent now.
    constexpr std::uint32_t at(Micros now) const noexcept {
        return static_cast<std::uint32_t>(now.count() / kTick) + offset_;
    }

    /// The last instant at which a segment with this timestamp can have been sent. `echo` is at most 2^31 ms
    /// old; one that is in the future is garbage, and counts as `now`.
    constexpr Micros latest_sent(std::uint32_t echo, Micros now) const noexcept {
        const std::int64_t age = static_cast<std::int32_t>(at(now) - echo);
        if (age <= 0)
            return now;
        return Micros((now.count() / kTick - age) * kTick + kTick - 1);
    }

  private:
    static constexpr std::int64_t kTick = 1000;  // microseconds: within the 1 ms to 1 s of RFC 7323 5.4

    std::uint32_t offset_ = 0;
};

}  // namespace l2echo::tcp
