#include "probe/run/probe_run.hpp"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <algorithm>

#include "l2echo/dpdk/polling_lcore.hpp"

namespace l2echo::probe {

/// Starts the clock once all senders and checkers have arrived: frames that were due before a sender could
/// send would leave late, in a burst. Returns time 0.
std::uint64_t ProbeRun::meet(std::size_t as) noexcept {
    if (to_come_.fetch_sub(as, std::memory_order_acq_rel) == as)
        epoch_.store(rte_rdtsc(), std::memory_order_release);
    std::uint64_t epoch = 0;
    while ((epoch = epoch_.load(std::memory_order_acquire)) == 0)
        rte_pause();
    return epoch;
}

void ProbeRun::send(std::size_t queue) noexcept {
    const dpdk::PollingLcore lcore;
    Sender& sender = pairs_[queue]->sender;
    sender.start(meet(1));
    while (may_send() && sender.send_due())
        lcore.end_turn();
    finish_sending(sender);
}

void ProbeRun::check(std::size_t queue) noexcept {
    const dpdk::PollingLcore lcore;
    Checker& checker = pairs_[queue]->checker;
    prepare_to_receive(checker);
    checker.start(meet(1));
    while (!is_drained()) {
        checker.poll();
        lcore.end_turn();
    }
    finish_checking(checker);
}

void ProbeRun::send_and_check(std::size_t queue) noexcept {
    const dpdk::PollingLcore lcore;
    Pair& pair = *pairs_[queue];
    prepare_to_receive(pair.checker);
    const std::uint64_t epoch = meet(2);
    pair.sender.start(epoch);
    pair.checker.start(epoch);
    bool sending = true;
    while (!is_drained()) {
        if (sending && !(may_send() && pair.sender.send_due())) {
            sending = false;
            finish_sending(pair.sender);
        }
        pair.checker.poll();
        lcore.end_turn();
    }
    finish_checking(pair.checker);
}

/// A memif client provides buffers to its peer only when it polls: frames that the peer sends before then
/// find a full ring and are dropped.
void ProbeRun::prepare_to_receive(Checker& checker) noexcept {
    checker.start(rte_rdtsc());
    checker.poll();
}

void ProbeRun::finish_sending(Sender& sender) noexcept {
    sender.finish();
    if (senders_left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        sending_ended_.store(rte_rdtsc(), std::memory_order_release);
}

/// Polls the remaining frames: another queue's checker may have received the last missing frame while copies
/// were waiting here. The number of polls is limited, in case the far end never stops sending.
void ProbeRun::finish_checking(Checker& checker) noexcept {
    constexpr int kMaxPolls = 1024;
    for (int polls = 0; polls < kMaxPolls && checker.poll() != 0; ++polls) {
    }
    checkers_left_.fetch_sub(1, std::memory_order_release);
}

/// True if all frames are back and duplicates had time to arrive, or if the drain time is over.
bool ProbeRun::is_drained() const noexcept {
    const std::uint64_t ended = sending_ended_.load(std::memory_order_acquire);
    const std::uint64_t now = rte_rdtsc();
    // Another CPU's clock may be slightly ahead of ours, and reads of ours may be reordered.
    const std::uint64_t waited = now - std::min(now, ended);
    if (ended == 0 || waited < min_drain_cycles_)
        return false;
    std::uint64_t missing = 0;  // modulo 2^64 until the last queue pair is added
    for (const auto& pair : pairs_)
        missing += pair->sender.sent() - pair->checker.unique() - pair->checker.damaged();
    return static_cast<std::int64_t>(missing) <= 0 ||
           waited > (stop_.requested() ? stopped_drain_cycles_ : drain_cycles_);
}

}  // namespace l2echo::probe
