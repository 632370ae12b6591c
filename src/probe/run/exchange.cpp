#include "l2echo/probe/run/exchange.hpp"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

/// For copies of the last frames, when all have come back once.
constexpr double kLeastDrainSeconds = 0.02;

std::uint64_t to_cycles(double seconds) {
    return static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
}

void watch(const Exchange& exchange, const SendPlan& plan, LinkWatch& link) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kPoll{10};
    constexpr std::chrono::milliseconds kShow{500};
    ProgressLine progress(plan);
    const auto start = Clock::now();
    auto next = start + kShow;
    while (!exchange.over()) {
        std::this_thread::sleep_for(kPoll);
        const auto now = Clock::now();
        const double elapsed = std::chrono::duration<double>(now - start).count();
        link.look(elapsed);
        if (now < next)
            continue;
        next += kShow;
        progress.show(exchange.progress(), elapsed);
    }
}

/// Runs `body` on an lcore until it returns; joined at the latest when it goes.
class LcoreTask {
  public:
    LcoreTask(unsigned lcore, std::function<void()> body) : lcore_(lcore), body_(std::move(body)) {
        dpdk::throw_if_failed(rte_eal_remote_launch(run, this, lcore_),
                              fmt::format("launching lcore {}", lcore_));
    }
    ~LcoreTask() { rte_eal_wait_lcore(lcore_); }
    LcoreTask(const LcoreTask&) = delete;
    LcoreTask& operator=(const LcoreTask&) = delete;

  private:
    static int run(void* task) {
        static_cast<LcoreTask*>(task)->body_();
        return 0;
    }

    unsigned lcore_;
    std::function<void()> body_;
};

}  // namespace

Exchange::Exchange(const Traffic& traffic, const SendPlan& plan, std::uint16_t port,
                   const std::vector<std::unique_ptr<dpdk::Mempool>>& pools, std::uint16_t burst,
                   double drain_seconds, const process::StopSignal& stop)
    : seen_(traffic.shape().flows),
      drain_cycles_(to_cycles(drain_seconds)),
      least_drain_cycles_(to_cycles(std::min(drain_seconds, kLeastDrainSeconds))),
      stop_(stop),
      to_come_(2 * pools.size()),
      senders_left_(pools.size()),
      checkers_left_(pools.size()) {
    const auto pairs = static_cast<std::uint16_t>(pools.size());
    for (std::uint16_t queue = 0; queue < pairs; ++queue)
        pairs_.push_back(std::unique_ptr<Pair>(
            new Pair{{traffic, plan, pools[queue]->get(), port, queue, burst, {queue, pairs}},
                     {traffic, seen_, port, queue, burst}}));
}

/// The clock starts when the last sender and checker are there: what was due before nobody could send would
/// leave late, in a burst. Returns its time 0.
std::uint64_t Exchange::meet(std::size_t as) noexcept {
    if (to_come_.fetch_sub(as, std::memory_order_acq_rel) == as)
        epoch_.store(rte_rdtsc(), std::memory_order_release);
    std::uint64_t epoch = 0;
    while ((epoch = epoch_.load(std::memory_order_acquire)) == 0)
        rte_pause();
    return epoch;
}

void Exchange::send(std::size_t queue) noexcept {
    Sender& sender = pairs_[queue]->sender;
    sender.start(meet(1));
    while (!stop_.requested() && sender.turn()) {
    }
    finish_sending(sender);
}

void Exchange::check(std::size_t queue) noexcept {
    Checker& checker = pairs_[queue]->checker;
    prepare_to_receive(checker);
    checker.start(meet(1));
    while (!is_drained())
        checker.turn();
    finish_checking(checker);
}

void Exchange::send_and_check(std::size_t queue) noexcept {
    Pair& pair = *pairs_[queue];
    prepare_to_receive(pair.checker);
    const std::uint64_t epoch = meet(2);
    pair.sender.start(epoch);
    pair.checker.start(epoch);
    bool sending = true;
    while (!is_drained()) {
        if (sending && (stop_.requested() || !pair.sender.turn())) {
            sending = false;
            finish_sending(pair.sender);
        }
        pair.checker.turn();
    }
    finish_checking(pair.checker);
}

/// A memif's client gives buffers to the other end only when it polls: what that end has to send before then
/// finds a full ring, and is dropped.
void Exchange::prepare_to_receive(Checker& checker) noexcept {
    checker.start(rte_rdtsc());
    checker.turn();
}

void Exchange::finish_sending(Sender& sender) noexcept {
    sender.discard();
    if (senders_left_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        sending_ended_.store(rte_rdtsc(), std::memory_order_release);
}

/// Another queue's checker may have seen the last missing frame while this one had copies waiting. A far end
/// that never falls silent is not listened to for ever.
void Exchange::finish_checking(Checker& checker) noexcept {
    constexpr int kMostTurns = 1024;
    for (int turn = 0; turn < kMostTurns && checker.turn() != 0; ++turn) {
    }
    checkers_left_.fetch_sub(1, std::memory_order_release);
}

/// All is back, and what may come a second time had a moment for it; or the wait is over.
bool Exchange::is_drained() const noexcept {
    const std::uint64_t ended = sending_ended_.load(std::memory_order_acquire);
    const std::uint64_t now = rte_rdtsc();
    // Another CPU's clock may be a little ahead of ours, and ours is read out of order.
    const std::uint64_t waited = now - std::min(now, ended);
    if (ended == 0 || waited < least_drain_cycles_)
        return false;
    std::uint64_t missing = 0;  // modulo 2^64 until the last queue pair is added
    for (const auto& pair : pairs_)
        missing += pair->sender.sent() - pair->checker.unique() - pair->checker.damaged();
    return static_cast<std::int64_t>(missing) <= 0 || waited > drain_cycles_;
}

Progress Exchange::progress() const noexcept {
    Progress sum;
    for (const auto& pair : pairs_) {
        sum.sent += pair->sender.sent();
        sum.returned += pair->checker.unique();
        sum.corrupted += pair->checker.corrupted();
    }
    return sum;
}

void run_on(const std::vector<QueuePairLcores>& lcores, Exchange& exchange, const SendPlan& plan,
            LinkWatch& link) {
    if (lcores.at(0).sender == rte_get_main_lcore()) {
        const dpdk::ControlThread watcher("probe-watch", [&] { watch(exchange, plan, link); });
        exchange.send_and_check(0);
        return;
    }
    std::vector<std::unique_ptr<LcoreTask>> tasks;
    const auto launch = [&tasks](unsigned lcore, std::function<void()> body) {
        tasks.push_back(std::make_unique<LcoreTask>(lcore, std::move(body)));
    };
    for (std::size_t queue = 0; queue < lcores.size(); ++queue) {
        if (lcores[queue].sender == lcores[queue].checker) {
            launch(lcores[queue].sender, [&exchange, queue] { exchange.send_and_check(queue); });
        } else {
            launch(lcores[queue].checker, [&exchange, queue] { exchange.check(queue); });
            launch(lcores[queue].sender, [&exchange, queue] { exchange.send(queue); });
        }
    }
    watch(exchange, plan, link);
}

}  // namespace l2echo::probe
