// Measures how much of a worker's time is spent on frames.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "l2echo/engine/counter.hpp"

namespace l2echo::engine {

/// Separates the time spent on frames from the time of empty iterations. Reading the TSC costs as much as a
/// few frames (25 cycles on a Zen 4). So while full bursts arrive, the TSC is read only once per
/// kFramesPerReading frames, and an empty iteration after a full one counts as busy.
class BusyTime {
  public:
    /// `full` is the number of frames in an iteration from which more are likely to be waiting.
    BusyTime(Counter& cycles, std::uint32_t full) noexcept : cycles_(cycles), full_(full) {}
    ~BusyTime() {
        if (frames_ > 0)
            read_clock();
    }
    BusyTime(const BusyTime&) = delete;
    BusyTime& operator=(const BusyTime&) = delete;

    /// Returns the time in TSC cycles; up to kFramesPerReading frames old.
    std::uint64_t now() const noexcept { return now_; }

    void end_iteration(std::uint32_t received) noexcept {
        frames_ += received;
        if (received < full_ || frames_ >= kFramesPerReading)
            read_clock();
    }

  private:
    static constexpr std::uint32_t kFramesPerReading = 256;

    void read_clock() noexcept {
        const std::uint64_t now = rte_rdtsc();
        if (frames_ > 0)
            cycles_.add(now - now_);
        now_ = now;
        frames_ = 0;
    }

    Counter& cycles_;
    std::uint32_t full_;
    std::uint64_t now_ = rte_rdtsc();
    std::uint32_t frames_ = 0;  ///< since the last reading
};

}  // namespace l2echo::engine
