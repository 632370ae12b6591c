#include "probe/run/probe_run.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

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

/// Wait for copies of the last frames after all have come back once.
constexpr double kMinDrainSeconds = 0.02;
/// Who stops the program wants its results within a second.
constexpr double kStoppedDrainSeconds = 0.2;

std::uint64_t to_cycles(double seconds) {
    return static_cast<std::uint64_t>(seconds * static_cast<double>(rte_get_tsc_hz()));
}

void watch(ProbeRun& probe_run, const SendPlan& plan, LinkWatch& link, process::ReportSignal& report_signal) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kPoll{10};
    constexpr std::chrono::milliseconds kShow{500};
    ProgressLine progress(plan);
    const auto start = Clock::now();
    auto next = start + kShow;
    while (!probe_run.over()) {
        std::this_thread::sleep_for(kPoll);
        const auto now = Clock::now();
        const double elapsed = std::chrono::duration<double>(now - start).count();
        link.look(elapsed);
        if (link.removed())
            probe_run.end_early();
        if (report_signal.take()) {
            progress.print(probe_run.progress(), elapsed);
        } else if (now >= next) {
            next += kShow;
            progress.show(probe_run.progress(), elapsed);
        }
    }
}

/// Runs `body` on an lcore; the destructor joins.
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

ProbeRun::ProbeRun(const Traffic& traffic, const SendPlan& plan, std::uint16_t port,
                   const std::vector<std::unique_ptr<dpdk::Mempool>>& pools, std::uint16_t burst,
                   double drain_seconds, const process::StopSignal& stop)
    : seen_(traffic.shape().flows),
      drain_cycles_(to_cycles(drain_seconds)),
      min_drain_cycles_(to_cycles(std::min(drain_seconds, kMinDrainSeconds))),
      stopped_drain_cycles_(to_cycles(std::min(drain_seconds, kStoppedDrainSeconds))),
      stop_(stop),
      to_come_(2 * pools.size()),
      senders_left_(pools.size()),
      checkers_left_(pools.size()) {
    const auto pairs = static_cast<std::uint16_t>(pools.size());
    for (std::uint16_t queue = 0; queue < pairs; ++queue)
        // std::make_unique cannot initialise an aggregate. NOLINTNEXTLINE(modernize-make-unique)
        pairs_.push_back(std::unique_ptr<Pair>(
            new Pair{{traffic, plan, pools[queue]->get(), port, queue, burst, {queue, pairs}},
                     {traffic, seen_, port, queue, burst}}));
}

Progress ProbeRun::progress() const noexcept {
    Progress sum;
    for (const auto& pair : pairs_) {
        sum.sent += pair->sender.sent();
        sum.returned += pair->checker.unique();
        sum.corrupted += pair->checker.corrupted();
    }
    return sum;
}

void run_on(const std::vector<QueuePairLcores>& lcores, ProbeRun& probe_run, const SendPlan& plan,
            LinkWatch& link, process::ReportSignal& report_signal) {
    const auto watch_run = [&] { watch(probe_run, plan, link, report_signal); };
    if (lcores.at(0).sender == rte_get_main_lcore()) {
        const dpdk::ControlThread watcher("probe-watch", watch_run);
        probe_run.send_and_check(0);
        return;
    }
    std::vector<std::unique_ptr<LcoreTask>> tasks;
    const auto launch = [&tasks](unsigned lcore, std::function<void()> body) {
        tasks.push_back(std::make_unique<LcoreTask>(lcore, std::move(body)));
    };
    for (std::size_t queue = 0; queue < lcores.size(); ++queue) {
        if (lcores[queue].sender == lcores[queue].checker) {
            launch(lcores[queue].sender, [&probe_run, queue] { probe_run.send_and_check(queue); });
        } else {
            launch(lcores[queue].checker, [&probe_run, queue] { probe_run.check(queue); });
            launch(lcores[queue].sender, [&probe_run, queue] { probe_run.send(queue); });
        }
    }
    watch_run();
}

}  // namespace l2echo::probe
