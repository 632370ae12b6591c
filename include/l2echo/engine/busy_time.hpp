// How much of a worker's time goes into frames.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

#include "l2echo/engine/counter.hpp"

namespace l2echo::engine {

/// Separates the time that goes into frames from the time of empty iterations. A reading of the TSC costs as
/// much as some frames (25 cycles on a Zen 4), so while full bursts come one is enough for kFramesPerReading
/// of them, and an empty iteration behind a full one counts with it.
class BusyTime {
  public:
    /// `full`: frames of an iteration after which more are likely to be there.
    BusyTime(Counter& cycles, std::uint32_t full) noexcept : cycles_(cycles), full_(full) {}
    ~BusyTime() {
        if (frames_ > 0)
            read_clock();
    }
    BusyTime(const BusyTime&) = delete;
    BusyTime& operator=(const BusyTime&) = delete;

    /// In TSC cycles; up to kFramesPerReading frames old.
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
