#include "l2echo/probe/probe_run.hpp"

#include <fmt/ranges.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_random.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <thread>

#include "l2echo/control/control_thread.hpp"
#include "l2echo/control/eal.hpp"
#include "l2echo/control/log.hpp"
#include "l2echo/control/option_table.hpp"
#include "l2echo/control/port_selection.hpp"
#include "l2echo/control/stop_signal.hpp"
#include "l2echo/error.hpp"
#include "l2echo/probe/checker.hpp"
#include "l2echo/probe/search_result.hpp"
#include "l2echo/probe/sender.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo {
namespace {

/// One run on one queue pair. The sender and the checker share an lcore or have one each; each is touched by
/// its own lcore only, but for the counters.
class Session {
  public:
    Session(const Traffic& traffic, const SendPlan& plan, const Port& port, rte_mempool* pool,
            std::uint16_t burst, double drain_seconds, const StopSignal& stop)
        : sender_(traffic, plan, pool, port.id(), 0, burst),
          checker_(traffic, port.id(), 0, burst),
          drain_cycles_(static_cast<std::uint64_t>(drain_seconds * static_cast<double>(rte_get_tsc_hz()))),
          stop_(stop) {
        const std::uint64_t epoch = rte_rdtsc();
        sender_.start(epoch);
        checker_.start(epoch);
    }

    void send() noexcept {
        while (!stop_.requested() && sender_.turn()) {
        }
        finish_sending();
    }

    void check() noexcept {
        while (!is_over())
            checker_.turn();
        over_.store(true, std::memory_order_release);
    }

    void send_and_check() noexcept {
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

    bool over() const noexcept { return over_.load(std::memory_order_acquire); }
    const Sender& sender() const noexcept { return sender_; }
    const Checker& checker() const noexcept { return checker_; }

  private:
    void finish_sending() noexcept {
        sender_.discard();
        sending_ended_.store(rte_rdtsc(), std::memory_order_release);
    }

    /// All is back, or the wait for it is over.
    bool is_over() const noexcept {
        const std::uint64_t ended = sending_ended_.load(std::memory_order_acquire);
        return ended != 0 && (checker_.unique() + checker_.damaged() >= sender_.sent() ||
                              rte_rdtsc() - ended > drain_cycles_);
    }

    Sender sender_;
    Checker checker_;
    std::uint64_t drain_cycles_;
    const StopSignal& stop_;
    std::atomic<std::uint64_t> sending_ended_{0};  ///< written by the sending lcore
    std::atomic<bool> over_{false};                ///< written by the checking lcore
};

/// A line that overwrites itself on a terminal; nothing elsewhere.
class ProgressLine {
  public:
    ProgressLine() : shown_(isatty(STDERR_FILENO) == 1) {}
    ~ProgressLine() {
        if (shown_ && printed_)
            fmt::print(stderr, "\n");
    }
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const Session& session, double elapsed_seconds, const SendPlan& plan) {
        if (!shown_)
            return;
        const std::uint64_t sent = session.sender().sent();
        const double done = std::max(static_cast<double>(sent) / static_cast<double>(plan.frames),
                                     elapsed_seconds / plan.seconds);
        const double remaining = done > 0 ? elapsed_seconds * (1 - std::min(done, 1.0)) / done : 0;
        fmt::print(stderr, "\r{:.0f} s, about {:.0f} s left: sent {} ({}/s), returned {}, corrupted {}   ",
                   elapsed_seconds, remaining, sent,
                   format_scaled(static_cast<double>(sent - last_sent_) / (elapsed_seconds - last_seconds_)),
                   session.checker().unique(), session.checker().corrupted());
        std::fflush(stderr);
        printed_ = true;
        last_sent_ = sent;
        last_seconds_ = elapsed_seconds;
    }

  private:
    bool shown_;
    bool printed_ = false;
    std::uint64_t last_sent_ = 0;
    double last_seconds_ = 0;
};

void watch(const Session& session, const SendPlan& plan) {
    using Clock = std::chrono::steady_clock;
    constexpr std::chrono::milliseconds kPoll{10};
    constexpr std::chrono::milliseconds kShow{500};
    ProgressLine progress;
    const auto start = Clock::now();
    auto next = start + kShow;
    while (!session.over()) {
        std::this_thread::sleep_for(kPoll);
        if (Clock::now() < next)
            continue;
        next += kShow;
        progress.show(session, std::chrono::duration<double>(Clock::now() - start).count(), plan);
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

/// One lcore: it does all, and a control thread watches. Two: the second does all. Three or more: one sends,
/// one checks.
void run_on(const std::vector<Lcore>& workers, Session& session, const SendPlan& plan) {
    if (workers.empty()) {
        const ControlThread watcher("probe-watch", [&] { watch(session, plan); });
        session.send_and_check();
    } else if (workers.size() == 1) {
        const LcoreTask both(workers[0].id, [&] { session.send_and_check(); });
        watch(session, plan);
    } else {
        const LcoreTask checking(workers[1].id, [&] { session.check(); });
        const LcoreTask sending(workers[0].id, [&] { session.send(); });
        watch(session, plan);
    }
}

SendPlan plan_for_link(SendPlan plan, const RateRequest& rate, const Port& port) {
    plan.frames_per_second = rate.frames_per_second;
    plan.bits_per_second = rate.bits_per_second;
    if (rate.percent_of_link > 0) {
        const std::uint32_t speed = port.link().speed_mbps;
        if (speed == 0)
            throw StartupError(
                fmt::format("--rate in percent: {} does not tell its link speed; give frames or bits "
                            "per second",
                            port_label(port.id())));
        plan.bits_per_second = speed * 1e6 * rate.percent_of_link / 100;
    }
    return plan;
}

std::string first_line_with(const char* path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key))
            return line.substr(line.find(':') + 1);
    return "unknown";
}

std::string file_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) && !line.empty() ? line : "none";
}

std::vector<std::pair<std::string, std::string>> describe_environment(const Port& port,
                                                                      const ProbeOptions& options) {
    std::string version = version_text();
    version.pop_back();  // its line break
    return {{"version", version},
            {"cpu", first_line_with("/proc/cpuinfo", "model name")},
            {"governor", file_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
            {"isolated_cpus", file_line("/sys/devices/system/cpu/isolated")},
            {"hugepages", first_line_with("/proc/meminfo", "HugePages_Total")},
            {"port", fmt::format("{} ({})", port.name(), port.driver())},
            {"eal", fmt::format("{}", fmt::join(options.eal, " "))},
            {"rx_descriptors", fmt::format("{}", port.plan().rx_descriptors)},
            {"tx_descriptors", fmt::format("{}", port.plan().tx_descriptors)},
            {"burst", fmt::format("{}", options.port.burst)}};
}

/// All that runs on the port have in common; one run after the other.
class Bench {
  public:
    Bench(const Traffic& traffic, const Port& port, rte_mempool* pool, const std::vector<Lcore>& workers,
          const ProbeOptions& options, const StopSignal& stop)
        : traffic_(traffic), port_(port), pool_(pool), workers_(workers), options_(options), stop_(stop) {}

    std::unique_ptr<ProbeResult> run(const SendPlan& plan) const {
        const auto session = std::make_unique<Session>(traffic_, plan, port_, pool_, options_.port.burst,
                                                       options_.drain_seconds, stop_);
        run_on(workers_, *session, plan);
        auto result = collect(*session, plan);
        if (result->sent == 0 && !stop_.requested())
            throw StartupError(fmt::format("{}: its TX queue took no frame, link {}; is the far end there?",
                                           port_label(port_.id()), port_.link().up ? "up" : "down"));
        result->complete = !stop_.requested() && (std::isfinite(plan.seconds) || result->sent == plan.frames);
        if (!result->complete && !stop_.requested())
            log_warning(fmt::format("{}: its TX queue took nothing any more: gave up after {} of {} frames",
                                    port_label(port_.id()), result->sent, plan.frames));
        return result;
    }

    bool stopped() const { return stop_.requested(); }

  private:
    std::unique_ptr<ProbeResult> collect(const Session& session, const SendPlan& plan) const {
        auto result = std::make_unique<ProbeResult>();
        const Sender& sender = session.sender();
        const Checker& checker = session.checker();
        result->sent = sender.sent();
        result->sent_bytes = sender.sent_bytes();
        result->returned_bytes = checker.unique_bytes();
        result->tx_full = sender.tx_full();
        result->corrupted = checker.corrupted();
        result->damaged = checker.damaged();
        result->foreign = checker.foreign();
        result->loop_checks = checker.loop_checks();
        for (std::uint16_t stream = 0; stream < traffic_.shape().flows; ++stream)
            result->streams.push_back({sender.sent_of(stream), checker.counts_of(stream)});
        result->requested_per_second = plan.frames_per_second;
        result->requested_bits_per_second_l1 = plan.bits_per_second;
        result->tsc_hz = static_cast<double>(rte_get_tsc_hz());
        result->seconds = static_cast<double>(sender.last_sent()) / result->tsc_hz;
        result->returned_seconds = static_cast<double>(checker.last_unique()) / result->tsc_hz;
        result->round_trip = checker.round_trip();
        result->send_delay = sender.delay();
        return result;
    }

    const Traffic& traffic_;
    const Port& port_;
    rte_mempool* pool_;
    const std::vector<Lcore>& workers_;
    const ProbeOptions& options_;
    const StopSignal& stop_;
};

void write_histogram(const std::string& path, const ProbeResult& result) {
    if (path.empty())
        return;
    std::ofstream file(path);
    file << result.round_trip.percentile_text(result.tsc_hz / 1e6) << std::flush;
    if (!file)
        throw std::runtime_error(fmt::format("--histogram: {} cannot be written", path));
}

/// Rings, caches and pages that the run itself would find cold.
WarmUp warm_up(const Bench& bench, SendPlan plan, std::uint64_t frames) {
    if (frames == 0)
        return {};
    plan.frames = frames;
    plan.seconds = std::numeric_limits<double>::infinity();
    const auto result = bench.run(plan);
    return {result->sent, result->lost()};
}

/// Prints the result; throws when a gate is not kept.
void run_once(const Bench& bench, const SendPlan& plan, const Traffic& traffic, const Port& port,
              const ProbeOptions& options) {
    const WarmUp warmed = warm_up(bench, plan, options.warm_up_frames.value_or(0));
    const auto result = bench.run(plan);
    result->warm_up = warmed;
    result->self_loop = measure_self_loop(traffic);
    result->environment = describe_environment(port, options);
    const std::vector<std::string> failed = failed_gates(*result, options.gates);
    fmt::print("{}", options.json ? render_json(*result, failed) + "\n" : render_text(*result));
    write_histogram(options.histogram_file, *result);
    if (!failed.empty())
        throw std::runtime_error(fmt::format("{}", fmt::join(failed, "; ")));
}

SendPlan paced_for(double frames_per_second, double seconds) {
    SendPlan plan;
    plan.frames_per_second = frames_per_second;
    plan.seconds = seconds;
    return plan;
}

Trial run_trial(const Bench& bench, double rate, double seconds) {
    const auto result = bench.run(paced_for(rate, seconds));
    const auto intended = static_cast<std::uint64_t>(rate * seconds);
    const std::uint64_t returned =
        std::min(result->totals().unique - (result->corrupted - result->damaged), intended);
    Trial trial{rate, seconds, intended, intended - returned, result->sender_limited()};
    log_info("Trial at {}frames/s: lost {} of {}{}", format_scaled(rate), trial.lost, intended,
             trial.sender_limited ? " (the probe was the limit)" : "");
    return trial;
}

/// The most that the search tries: what --rate says, else what the sender reaches. Its trial is the warm-up
/// too, and is not counted.
double find_max_rate(const Bench& bench, SendPlan plan, const Traffic& traffic) {
    constexpr double kWarmUpSeconds = 0.5;
    SendPlan warm_up;
    warm_up.seconds = kWarmUpSeconds;
    const double reached = bench.run(warm_up)->sent_per_second();
    if (plan.frames_per_second > 0)
        return plan.frames_per_second;
    constexpr double kGapAndPreamble = 20;
    double bytes = 0;
    constexpr std::uint64_t kSample = 1000;
    for (std::uint64_t index = 0; index < kSample; ++index)
        bytes += (traffic.size_of(index) + kGapAndPreamble) / kSample;
    return plan.bits_per_second > 0 ? plan.bits_per_second / (8 * bytes) : reached;
}

void run_search(const Bench& bench, const SendPlan& plan, const Traffic& traffic, const Port& port,
                const ProbeOptions& options) {
    constexpr double kPdrLoss = 0.005;
    constexpr std::size_t kMostTrials = 50;  // the bounds meet long before, unless the far end is erratic
    SearchResult result{
        options.search,
        options.search == "pdr" ? kPdrLoss : 0,
        options.sizes,
        RateSearch(find_max_rate(bench, plan, traffic), options.search == "pdr" ? kPdrLoss : 0),
        true,
        {},
        describe_environment(port, options)};
    for (auto rate = result.search.next();
         rate && !bench.stopped() && result.search.trials().size() < kMostTrials; rate = result.search.next())
        result.search.record(run_trial(bench, *rate, options.trial_seconds));
    for (const double share : {0.1, 0.5, 0.9}) {
        if (!result.search.lower() || bench.stopped())
            break;
        const double rate = share * result.search.lower()->frames_per_second;
        const auto loaded = bench.run(paced_for(rate, options.trial_seconds));
        result.round_trips.push_back({share, rate, loaded->lost(), loaded->tsc_hz, loaded->round_trip});
    }
    result.complete = !bench.stopped();
    fmt::print("{}", options.json ? render_json(result) + "\n" : render_text(result));
}

}  // namespace

Histogram measure_self_loop(const Traffic& traffic) {
    constexpr int kFrames = 20'000;
    Histogram histogram;
    std::vector<std::byte> frame(traffic.largest_size());
    std::vector<std::byte> scratch(traffic.largest_size());
    for (int i = 0; i < kFrames; ++i) {
        const std::span<std::byte> bytes(frame.data(),
                                         traffic.size_of(static_cast<std::uint64_t>(i)) - kFcsLength);
        const std::uint64_t begin = rte_rdtsc();
        Stamp stamp{0, static_cast<std::uint64_t>(i), begin & ((std::uint64_t{1} << 48) - 1)};
        traffic.write(bytes, stamp);
        traffic.check(bytes, scratch, stamp);  // a frame not swapped: found corrupted after the same work
        histogram.add(rte_rdtsc() - begin);
    }
    return histogram;
}

void run_probe(const std::string& program, const ProbeOptions& options) {
    StopSignal stop;
    const Eal eal(program, options.eal);
    std::unique_ptr<Mempool> pool;  // outlives the port, whose driver holds its mbufs
    std::vector<std::unique_ptr<Port>> ports;
    const std::uint16_t id = choose_ports(eal, options.ports, options.take_kernel_interface).front();
    ports.push_back(std::make_unique<Port>(id, options.port, std::vector<int>{eal.main_lcore().numa_node}));
    const Port& port = *ports.front();
    describe_port(port);
    wait_for_links(ports, options.link_wait, stop);

    TrafficShape shape = options.shape;
    shape.source = port.mac();
    const Traffic traffic(shape, options.swap_level, static_cast<std::uint32_t>(rte_rand()));
    if (traffic.largest_size() - kFcsLength >
        port.plan().mtu + kEthernetHeaderLength + kVlanTagLength * shape.vlan_ids.size())
        throw UsageError(fmt::format("--size {}: frames of more than {} bytes need --mtu {}",
                                     traffic.largest_size(),
                                     port.plan().mtu + kEthernetHeaderLength + kFcsLength,
                                     traffic.largest_size() - kEthernetHeaderLength - kFcsLength));
    const SendPlan plan = plan_for_link(options.plan, options.rate, port);
    pool = std::make_unique<Mempool>(
        "probe_tx",
        mbufs_needed(0, port.plan().tx_descriptors, 2u * options.port.burst, options.port.mempool_cache),
        options.port.mempool_cache, port.plan().mbuf_data_room, port.numa_node());

    const std::vector<Lcore> workers = eal.worker_lcores();
    const Bench bench(traffic, port, pool->get(), workers, options, stop);
    log_info("Probing: {} flow{}", shape.flows, shape.flows == 1 ? "" : "s");
    options.search.empty() ? run_once(bench, plan, traffic, port, options)
                           : run_search(bench, plan, traffic, port, options);
}

}  // namespace l2echo
