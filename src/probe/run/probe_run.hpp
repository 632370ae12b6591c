// One run of the probe: a sender and a checker on each queue pair, and the lcores that run them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "l2echo/dpdk/mempool.hpp"
#include "l2echo/probe/run/lcore_plan.hpp"
#include "l2echo/probe/run/sender.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "probe/run/checker.hpp"
#include "probe/run/link_watch.hpp"
#include "probe/run/progress_line.hpp"

namespace l2echo::probe {

/// Sender i sends its share of the streams on TX queue i, from its own mempool; checker i receives from RX
/// queue i, where frames of any stream may arrive. The only shared state that is written per frame is the set
/// of seen numbers (16 KiB per stream), so 100 million frames need no more memory than a hundred.
class ProbeRun {
  public:
    /// `pools` has one mempool per queue pair. `drain_seconds` is the wait for returning frames after the
    /// last one was sent.
    ProbeRun(const Traffic& traffic, const SendPlan& plan, std::uint16_t port,
             const std::vector<std::unique_ptr<dpdk::Mempool>>& pools, std::uint16_t burst,
             double drain_seconds, const process::StopSignal& stop);

    /// Call send() and check() once per queue pair, each on its own lcore, or send_and_check() instead. They
    /// begin once all have arrived and every RX queue was polled, and return when the run is over.
    void send(std::size_t queue) noexcept;
    void check(std::size_t queue) noexcept;
    void send_and_check(std::size_t queue) noexcept;

    /// Stops the senders; frames in flight may still come back. Callable from any thread.
    void end_early() noexcept { ended_early_.store(true, std::memory_order_relaxed); }

    bool over() const noexcept { return checkers_left_.load(std::memory_order_acquire) == 0; }
    Progress progress() const noexcept;

    std::size_t queue_pairs() const noexcept { return pairs_.size(); }
    const Sender& sender(std::size_t queue) const { return pairs_.at(queue)->sender; }
    const Checker& checker(std::size_t queue) const { return pairs_.at(queue)->checker; }

  private:
    struct Pair {
        Sender sender;
        Checker checker;
    };

    std::uint64_t meet(std::size_t as) noexcept;
    static void prepare_to_receive(Checker& checker) noexcept;
    void finish_sending(Sender& sender) noexcept;
    void finish_checking(Checker& checker) noexcept;
    bool is_drained() const noexcept;
    bool may_send() const noexcept {
        return !stop_.requested() && !ended_early_.load(std::memory_order_relaxed);
    }

    std::vector<SeenNumbers> seen_;
    std::vector<std::unique_ptr<Pair>> pairs_;
    std::uint64_t drain_cycles_;
    std::uint64_t min_drain_cycles_;
    std::uint64_t stopped_drain_cycles_;  ///< after a signal
    const process::StopSignal& stop_;
    std::atomic<bool> ended_early_{false};  ///< written by the watching thread
    /// Senders and checkers not yet started; written by every lcore at its start.
    std::atomic<std::size_t> to_come_;
    std::atomic<std::uint64_t> epoch_{0};          ///< TSC; written by the lcore that starts last
    std::atomic<std::size_t> senders_left_;        ///< written by every sending lcore at its end
    std::atomic<std::uint64_t> sending_ended_{0};  ///< TSC; written by the sending lcore that ends last
    std::atomic<std::size_t> checkers_left_;       ///< written by every checking lcore at its end
};

/// Runs on the given lcores, one element per queue pair, and returns when the run is over. If the only lcore
/// is the main lcore, a control thread watches progress and link meanwhile. The report signal prints the
/// progress.
void run_on(const std::vector<QueuePairLcores>& lcores, ProbeRun& probe_run, const SendPlan& plan,
            LinkWatch& link, process::ReportSignal& report_signal);

}  // namespace l2echo::probe
