// Sends the planned frames at their planned times.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <limits>

#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/engine/counter.hpp"
#include "l2echo/probe/result/histogram.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

/// The rate and amount to send.
struct SendPlan {
    double frames_per_second = 0;  ///< 0: no rate in frames
    double bits_per_second = 0;    ///< layer 1; 0: no rate in bits. If both are 0: full speed
    std::uint64_t frames = std::numeric_limits<std::uint64_t>::max();
    double seconds = std::numeric_limits<double>::infinity();

    bool paced() const noexcept { return frames_per_second > 0 || bits_per_second > 0; }
};

/// A sender's share of the streams: `index`, `index + of`, `index + 2 * of` and so on, with the corresponding
/// share of the plan's rate and frames.
struct SendShare {
    std::uint16_t index = 0;
    std::uint16_t of = 1;
};

/// Sends its streams in turn: its frame n has sequence number n / streams() in stream n % streams() of its
/// own. Open loop: a frame's planned time does not change if the TX queue or the sender is late, and is
/// carried in the frame. One lcore calls send_due(); any thread may read the counters.
class Sender {
  public:
    /// `pool` provides the mbufs; it must have enough for the TX ring and a burst.
    Sender(const Traffic& traffic, const SendPlan& plan, rte_mempool* pool, std::uint16_t port,
           std::uint16_t queue, std::uint16_t burst, SendShare share = {});

    /// Sets time 0 of the run, in TSC cycles.
    void start(std::uint64_t epoch) noexcept { epoch_ = epoch; }

    /// Sends the frames that are due. Returns false once everything was sent or the duration is over. Also
    /// ends if the TX queue accepts nothing for five seconds, unless it accepted frames before and the plan
    /// has a duration: the far end may come back then.
    bool send_due() noexcept;

    const SendPlan& plan() const noexcept { return plan_; }  ///< this sender's share
    std::uint16_t streams() const noexcept { return streams_; }
    std::uint64_t sent() const noexcept { return sent_.read(); }
    std::uint64_t sent_bytes() const noexcept { return sent_bytes_.read(); }  ///< layer 2 without FCS
    std::uint64_t tx_full() const noexcept { return tx_full_.read(); }        ///< attempts on a full TX queue
    std::uint64_t last_sent() const noexcept { return last_sent_.read(); }    ///< TSC cycles since the epoch

    /// Returns the delay with which frames left the sender, in TSC cycles. Call only after the last
    /// send_due().
    const Histogram& delay() const noexcept { return delay_; }
    /// Returns the frames sent of a stream; 0 for a stream of another sender. Call only after the last
    /// send_due().
    std::uint64_t sent_of(std::uint16_t stream) const noexcept;

    /// Frees mbufs that were built but not sent, and records the end time. Call after the last send_due().
    void finish() noexcept;

    /// Returns the time base of the rate, in TSC cycles: until the end of the last frame's interval or, if
    /// not all frames were sent, until finish().
    std::uint64_t elapsed() const noexcept;
    /// True if, at the end, frames had been waiting for the TX queue for at least a second.
    bool stalled() const noexcept { return stalled_; }

  private:
    void build(std::uint64_t now) noexcept;
    void transmit() noexcept;
    bool gives_up(std::uint64_t now) const noexcept;
    double interval(std::uint32_t size) const noexcept;
    double first_planned() const noexcept;

    const Traffic& traffic_;
    SendShare share_;
    std::uint16_t streams_;
    SendPlan plan_;
    rte_mempool* pool_;
    std::uint16_t port_;
    std::uint16_t queue_;
    std::uint16_t burst_;
    double hz_;
    std::uint64_t epoch_ = 0;
    std::uint64_t planned_frames_ = 0;  ///< frames built so far
    std::uint64_t waiting_since_ =
        0;                     ///< time at which the pending frames were built, in cycles since the epoch
    double next_planned_ = 0;  ///< TSC cycles since the epoch
    std::uint64_t ended_ = 0;  ///< TSC cycles since the epoch
    bool stalled_ = false;

    std::array<rte_mbuf*, dpdk::kMaxBurst> pending_{};
    std::array<std::uint64_t, dpdk::kMaxBurst> planned_{};
    std::uint16_t first_ = 0;  ///< index of the first pending frame
    std::uint16_t count_ = 0;  ///< one past the last pending frame

    alignas(RTE_CACHE_LINE_SIZE) engine::Counter sent_;
    engine::Counter sent_bytes_;
    engine::Counter tx_full_;
    engine::Counter last_sent_;
    Histogram delay_;
};

}  // namespace l2echo::probe
