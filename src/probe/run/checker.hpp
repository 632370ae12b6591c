// Receives the frames that come back and checks every byte.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <vector>

#include "l2echo/engine/counter.hpp"
#include "l2echo/probe/result/histogram.hpp"
#include "l2echo/probe/run/stream_tracker.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

/// Checks the frames of one RX queue. Any stream may arrive there, because the far end and this NIC's RSS
/// determine the queue. One lcore calls poll(). Any thread may read the counters; read everything else only
/// after the last poll(). Memory does not grow with the run: 60 KiB for the histogram, 56 bytes per stream.
class Checker {
  public:
    /// `seen` has one element per stream; the checkers of all queues share it.
    Checker(const Traffic& traffic, std::vector<SeenNumbers>& seen, std::uint16_t port, std::uint16_t queue,
            std::uint16_t burst);

    /// Sets time 0 of the run, in TSC cycles, the same as the sender's.
    void start(std::uint64_t epoch) noexcept { epoch_ = epoch; }

    /// Receives and checks one burst. Returns the number of frames.
    std::uint16_t poll() noexcept;

    std::uint64_t intact() const noexcept { return intact_.read(); }        ///< includes all copies
    std::uint64_t corrupted() const noexcept { return corrupted_.read(); }  ///< ours, but not as expected
    /// Returns the corrupted frames without a readable stamp.
    std::uint64_t damaged() const noexcept { return damaged_.read(); }
    std::uint64_t foreign() const noexcept { return foreign_.read(); }
    std::uint64_t loop_checks() const noexcept { return loop_checks_.read(); }  ///< of an l2echo
    std::uint64_t unique() const noexcept {
        return unique_.read();
    }  ///< sequence numbers seen first on this queue
    std::uint64_t unique_bytes() const noexcept { return unique_bytes_.read(); }  ///< layer 2 without FCS
    /// Returns the arrival time of the last of these, in TSC cycles since the epoch.
    std::uint64_t last_unique() const noexcept { return last_unique_.read(); }

    const StreamCounts& counts_of(std::uint16_t stream) const { return streams_.at(stream).counts(); }
    /// Returns the round trips of all intact first copies, in TSC cycles, measured from the planned send
    /// time.
    const Histogram& round_trip() const noexcept { return round_trip_; }

  private:
    void check(const rte_mbuf& frame, std::uint64_t now) noexcept;
    bool is_first_copy(const Stamp& stamp, std::uint32_t length, std::uint64_t now) noexcept;

    const Traffic& traffic_;
    std::uint16_t port_;
    std::uint16_t queue_;
    std::uint16_t burst_;
    std::uint64_t epoch_ = 0;
    std::vector<std::byte> gathered_;  ///< buffer to linearise multi-segment frames
    std::vector<std::byte> expected_;
    std::vector<StreamTracker> streams_;
    Histogram round_trip_;

    alignas(RTE_CACHE_LINE_SIZE) engine::Counter intact_;
    engine::Counter corrupted_;
    engine::Counter damaged_;
    engine::Counter foreign_;
    engine::Counter loop_checks_;
    engine::Counter unique_;
    engine::Counter unique_bytes_;
    engine::Counter last_unique_;
};

}  // namespace l2echo::probe
