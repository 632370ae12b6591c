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

/// How fast and how much.
struct SendPlan {
    double frames_per_second = 0;  ///< 0: not by frames
    double bits_per_second = 0;    ///< layer 1; 0: not by bits. Neither: at full speed
    std::uint64_t frames = std::numeric_limits<std::uint64_t>::max();
    double seconds = std::numeric_limits<double>::infinity();

    bool paced() const noexcept { return frames_per_second > 0 || bits_per_second > 0; }
};

/// Which streams are a sender's: `index`, `index + of`, `index + 2 * of` and so on, and of the plan's rate
/// and frames what falls to these.
struct SendShare {
    std::uint16_t index = 0;
    std::uint16_t of = 1;
};

/// Sends its streams in turn: its frame n is number n / streams() of the (n % streams())th.
/// Open loop: a frame's planned time does not move when the TX queue or the sender itself is late, and it
/// travels in the frame. One lcore calls send_due(); the counters may be read by any thread.
class Sender {
  public:
    /// `pool` gives the mbufs; it has room for both the TX ring and a burst.
    Sender(const Traffic& traffic, const SendPlan& plan, rte_mempool* pool, std::uint16_t port,
           std::uint16_t queue, std::uint16_t burst, SendShare share = {});

    /// Time 0 of the run, in TSC cycles.
    void start(std::uint64_t epoch) noexcept { epoch_ = epoch; }

    /// Sends what is due. Returns false once everything was sent or the time is over. A TX queue that takes
    /// nothing for five seconds ends it too, unless it took something before and the plan ends by time: then
    /// the far end may come back.
    bool send_due() noexcept;

    const SendPlan& plan() const noexcept { return plan_; }  ///< this sender's part
    std::uint16_t streams() const noexcept { return streams_; }
    std::uint64_t sent() const noexcept { return sent_.read(); }
    std::uint64_t sent_bytes() const noexcept { return sent_bytes_.read(); }  ///< layer 2 without FCS
    std::uint64_t tx_full() const noexcept { return tx_full_.read(); }  ///< tries at a TX queue that was full
    std::uint64_t last_sent() const noexcept { return last_sent_.read(); }  ///< TSC cycles since the epoch

    /// How late frames left the sender, in TSC cycles; only after the last send_due().
    const Histogram& delay() const noexcept { return delay_; }
    /// Frames that were sent of a stream, which may be another sender's; only after the last send_due().
    std::uint64_t sent_of(std::uint16_t stream) const noexcept;

    /// Gives back what was built and not sent, and notes the time; after the last send_due().
    void finish() noexcept;

    /// What the rate is over, in TSC cycles: until the interval of the last frame was over, or where not all
    /// was sent, until finish().
    std::uint64_t elapsed() const noexcept;
    /// Frames waited for the TX queue when it ended, for a second at least.
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
    std::uint64_t planned_frames_ = 0;  ///< built so far
    std::uint64_t waiting_since_ = 0;   ///< when the pending frames were built, cycles since the epoch
    double next_planned_ = 0;           ///< TSC cycles since the epoch
    std::uint64_t ended_ = 0;           ///< TSC cycles since the epoch
    bool stalled_ = false;

    std::array<rte_mbuf*, dpdk::kMaxBurst> pending_{};
    std::array<std::uint64_t, dpdk::kMaxBurst> planned_{};
    std::uint16_t first_ = 0;  ///< of the pending frames
    std::uint16_t count_ = 0;  ///< one behind the last pending frame

    alignas(RTE_CACHE_LINE_SIZE) engine::Counter sent_;
    engine::Counter sent_bytes_;
    engine::Counter tx_full_;
    engine::Counter last_sent_;
    Histogram delay_;
};

}  // namespace l2echo::probe
