#include "l2echo/probe/exchange.hpp"

#include <rte_cycles.h>
#include <rte_launch.h>

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "l2echo/control/control_thread.hpp"
#include "l2echo/error.hpp"
#include "l2echo/probe/progress_line.hpp"

namespace l2echo {
namespace {

void watch(const Exchange& exchange, const SendPlan& plan) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kPoll{10};
    constexpr std::chrono::milliseconds kShow{500};
    ProgressLine progress(plan);
    const auto start = Clock::now();
    auto next = start + kShow;
    while (!exchange.over()) {
        std::this_thread::sleep_for(kPoll);
        if (Clock::now() < next)
            continue;
        next += kShow;
        progress.show({exchange.sender().sent(), exchange.checker().unique(), exchange.checker().corrupted()},
                      std::chrono::duration<double>(Clock::now() - start).count());
    }
}

/// Runs `body` on an lcore until it returns; joined at the latest when it goes.
class LcoreTask {
  public:
    LcoreTask(unsigned lcore, std::function<void()> body) : lcore_(lcore), body_(std::move(body)) {
        throw_if_failed(rte_eal_remote_launch(run, this, lcore_), fmt::format("launching lcore {}", lcore_));
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

Exchange::Exchange(const Traffic& traffic, const SendPlan& plan, const Port& port, rte_mempool* pool,
                 std::uint16_t burst, double drain_seconds, const StopSignal& stop)
    : sender_(traffic, plan, pool, port.id(), 0, burst),
      checker_(traffic, port.id(), 0, burst),
      drain_cycles_(static_cast<std::uint64_t>(drain_seconds * static_cast<double>(rte_get_tsc_hz()))),
      stop_(stop) {
    const std::uint64_t epoch = rte_rdtsc();
    sender_.start(epoch);
    checker_.start(epoch);
}

void Exchange::send() noexcept {
    while (!stop_.requested() && sender_.turn()) {
    }
    finish_sending();
}

void Exchange::check() noexcept {
    while (!is_over())
        checker_.turn();
    over_.store(true, std::memory_order_release);
}

void Exchange::send_and_check() noexcept {
    bool sending = true;
    while (!is_over()) {
        if (sending && (stop_.requested() || !sender_.turn())) {
            sending = false;
            finish_sending();
        }
        checker_.turn();
    }
    over_.store(true, std::memory_order_release);
}

void Exchange::finish_sending() noexcept {
    sender_.discard();
    sending_ended_.store(rte_rdtsc(), std::memory_order_release);
}

/// All is back, or the wait for it is over.
bool Exchange::is_over() const noexcept {
    const std::uint64_t ended = sending_ended_.load(std::memory_order_acquire);
    return ended != 0 &&
           (checker_.unique() + checker_.damaged() >= sender_.sent() || rte_rdtsc() - ended > drain_cycles_);
}

void run_on(const std::vector<Lcore>& workers, Exchange& exchange, const SendPlan& plan) {
    if (workers.empty()) {
        const ControlThread watcher("probe-watch", [&] { watch(exchange, plan); });
        exchange.send_and_check();
    } else if (workers.size() == 1) {
        const LcoreTask both(workers[0].id, [&] { exchange.send_and_check(); });
        watch(exchange, plan);
    } else {
        const LcoreTask checking(workers[1].id, [&] { exchange.check(); });
        const LcoreTask sending(workers[0].id, [&] { exchange.send(); });
        watch(exchange, plan);
    }
}

}  // namespace l2echo
