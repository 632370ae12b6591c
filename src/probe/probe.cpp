#include "l2echo/probe/probe.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/metrics/exposition.hpp"
#include "l2echo/monitoring/metrics_service.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/log.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/output_file.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "probe/result/probe_metrics.hpp"
#include "probe/run/environment.hpp"
#include "probe/run/port_traffic.hpp"
#include "probe/run/self_loop.hpp"
#include "probe/run/test_bed.hpp"
#include "probe/search/search_run.hpp"
#include "probe/search/sweep.hpp"

namespace l2echo::probe {
namespace {

SendPlan plan_for_link(SendPlan plan, const cli::RateRequest& rate, const dpdk::Port& port) {
    plan.frames_per_second = rate.frames_per_second;
    plan.bits_per_second = rate.bits_per_second;
    if (rate.percent_of_link > 0) {
        const std::uint32_t speed = port.link().speed_mbps;
        if (speed == 0)
            throw process::StartupError(
                fmt::format("--rate in percent: {} does not report its link speed; "
                            "give frames or bits per second",
                            dpdk::port_label(port.id())));
        plan.bits_per_second = speed * 1e6 * rate.percent_of_link / 100;
    }
    return plan;
}

/// Creates a pool per queue pair, with mbufs for a full TX ring, a waiting burst and a burst being built.
std::vector<std::unique_ptr<dpdk::Mempool>> make_pools(const dpdk::Port& port,
                                                       const dpdk::PortRequest& request) {
    const std::uint32_t mbufs =
        dpdk::mbufs_needed(0, port.plan().tx_descriptors, 2u * request.burst, request.mempool_cache);
    std::vector<std::unique_ptr<dpdk::Mempool>> pools;
    for (std::uint16_t queue = 0; queue < port.plan().queue_pairs; ++queue)
        pools.push_back(std::make_unique<dpdk::Mempool>(fmt::format("probe_tx_q{}", queue), mbufs,
                                                        request.mempool_cache, port.plan().mbuf_data_room,
                                                        port.numa_node()));
    return pools;
}

void log_lcores(const std::vector<QueuePairLcores>& lcores, const std::vector<dpdk::Lcore>& workers) {
    for (std::size_t queue = 0; queue < lcores.size(); ++queue)
        dpdk::log_info("Queue pair {}: {}", queue, describe(lcores[queue]));
    const auto idle = std::ranges::count_if(workers, [&lcores](const dpdk::Lcore& worker) {
        return std::ranges::none_of(lcores, [&worker](const QueuePairLcores& pair) {
            return worker.id == pair.sender || worker.id == pair.checker;
        });
    });
    if (idle > 0)
        dpdk::log_info("{} lcore{} left over: more --queues (and --flows) would use them", idle,
                       idle == 1 ? " is" : "s are");
}

/// Called before the measurement, so that a bad path does not waste it.
void check_histogram(const std::string& path) {
    if (path.empty())
        return;
    if (const int error = process::check_output_file(path); error != 0)
        throw process::StartupError(
            fmt::format("--histogram: {}: {}; name a file in a folder that can be written to", path,
                        std::strerror(error)));
}

void write_histogram(const std::string& path, const ProbeResult& result) {
    if (path.empty())
        return;
    const std::string text = result.round_trip.percentile_text(result.tsc_hz / 1e6);
    if (const int error = process::replace_file(path, text); error != 0)
        throw std::runtime_error(
            fmt::format("--histogram: {} cannot be written: {}", path, process::describe_write_error(error)));
}

/// Warms up rings, caches and pages before the run.
WarmUp warm_up(const TestBed& test_bed, const Traffic& traffic, SendPlan plan, std::uint64_t frames) {
    if (frames == 0)
        return {};
    plan.frames = frames;
    plan.seconds = std::numeric_limits<double>::infinity();
    const auto result = test_bed.run(traffic, plan);
    return {result->sent, result->lost()};
}

/// Returns why a run failed: gates that are not met, or how it ended too early. Empty: it did not fail.
std::vector<std::string> failures_of(const ProbeResult& result,
                                     const std::vector<std::string>& failed_gates) {
    std::vector<std::string> reasons = failed_gates;
    if (!result.complete())
        reasons.push_back(fmt::format("the run is not complete: {}", result.how_it_ended().meaning));
    return reasons;
}

std::string render(const ProbeResult& result, const std::vector<std::string>& failed, ResultFormat format) {
    if (format == ResultFormat::Text)
        return render_text(result);
    if (format == ResultFormat::Json)
        return render_json(result, failed) + "\n";
    ProbeTotals totals;
    totals.add(result, !failures_of(result, failed).empty());
    return metrics::render(totals.families(), format == ResultFormat::OpenMetrics
                                                  ? metrics::Exposition::OpenMetrics
                                                  : metrics::Exposition::PrometheusText);
}

/// Runs once and prints the result. Adds to `reasons` why the run failed.
std::unique_ptr<ProbeResult> measure(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                                     const ProbeOptions& options, std::vector<std::string>& reasons) {
    const WarmUp warmed = warm_up(test_bed, traffic, plan, options.warm_up_frames.value_or(0));
    auto result = test_bed.run(traffic, plan);
    result->warm_up = warmed;
    result->self_loop = measure_self_loop(traffic);
    result->environment = describe_environment(test_bed.port(), options);
    const std::vector<std::string> failed = failed_gates(*result, options.gates);
    process::print(render(*result, failed, options.format));
    write_histogram(options.histogram_file, *result);
    reasons = failures_of(*result, failed);
    return result;
}

/// Runs once and prints the result. Throws std::runtime_error if a gate is not met or the run is not
/// complete.
void run_once(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
              const ProbeOptions& options) {
    std::vector<std::string> reasons;
    (void)measure(test_bed, traffic, plan, options, reasons);
    if (!reasons.empty())
        throw std::runtime_error(fmt::format("{}", fmt::join(reasons, "; ")));
}

/// What the runs so far add up to, for the thread that serves metrics.
class RunningTotals {
  public:
    void add(const ProbeResult* result, const std::string& failure) {
        const std::lock_guard lock(mutex_);
        if (result != nullptr)
            totals_.add(*result, !failure.empty());
        else
            totals_.add_failed_run();
        last_failure_ = failure;
    }

    monitoring::Monitored show() {
        return {.families =
                    [this] {
                        const std::lock_guard lock(mutex_);
                        return totals_.families();
                    },
                .not_ready_reason = [this]() -> std::optional<std::string> {
                    const std::lock_guard lock(mutex_);
                    return last_failure_.empty() ? std::nullopt : std::optional(last_failure_);
                }};
    }

  private:
    std::mutex mutex_;
    ProbeTotals totals_;
    std::string last_failure_ = "no run has ended yet";  ///< empty: the last run did not fail
};

/// Starts a run at every interval until stopped. Throws std::runtime_error if a run failed, once stopped.
void run_repeatedly(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                    const ProbeOptions& options, monitoring::MetricsService* service,
                    const process::StopSignal& stop) {
    using Clock = std::chrono::steady_clock;
    RunningTotals totals;
    std::optional<monitoring::MetricsService::Showing> showing;
    if (service != nullptr)
        showing.emplace(*service, totals.show());
    std::uint64_t runs = 0;
    std::uint64_t failed_runs = 0;
    std::string last_failure;
    for (auto next = Clock::now(); !stop.requested(); stop.wait_until(next)) {
        next = std::max(next + *options.interval, Clock::now());
        std::vector<std::string> reasons;
        std::unique_ptr<ProbeResult> result;
        try {
            result = measure(test_bed, traffic, plan, options, reasons);
        } catch (const process::StartupError& error) {  // no frame could be sent: the link may come back
            dpdk::log_warning(error.what());
            reasons.emplace_back(error.what());
        }
        if (result && result->end == RunEnd::Signal)
            reasons.clear();
        totals.add(result.get(), fmt::format("{}", fmt::join(reasons, "; ")));
        ++runs;
        if (!reasons.empty()) {
            ++failed_runs;
            last_failure = fmt::format("{}", fmt::join(reasons, "; "));
        }
        if (test_bed.port().removed())
            break;
    }
    if (failed_runs > 0)
        throw std::runtime_error(
            fmt::format("{} of {} runs failed; the last of them: {}", failed_runs, runs, last_failure));
}

/// Throws Interrupted.
void search_and_measure(const TestBed& test_bed, const Traffic& traffic, double trial_seconds,
                        SearchResult& result) {
    run_trials(test_bed, traffic, result.search, trial_seconds);
    if (const auto& found = result.search.lower())
        for (const double share : {0.1, 0.5, 0.9})
            result.round_trips.push_back(measure_round_trip(test_bed, traffic, share,
                                                            share * found->frames_per_second, trial_seconds));
}

/// Searches and prints the result. Throws std::runtime_error if the search is not complete.
void run_search(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                const ProbeOptions& options) {
    const RateGoal goal = options.search == kPdr.name ? kPdr : kNdr;
    SearchResult result{.name = goal.name,
                        .allowed_loss = goal.allowed_loss,
                        .sizes = traffic.frame_sizes(),
                        .search = RateSearch(0, goal.allowed_loss),
                        .round_trips = {},
                        .environment = describe_environment(test_bed.port(), options)};
    try {
        result.search =
            RateSearch(find_max_rate(test_bed, traffic, plan, options.trial_seconds), goal.allowed_loss);
        search_and_measure(test_bed, traffic, options.trial_seconds, result);
    } catch (const Interrupted& interrupted) {
        result.end = interrupted.end;
    }
    process::print(options.format == ResultFormat::Json ? render_json(result) + "\n" : render_text(result));
    if (!result.complete())
        throw std::runtime_error(fmt::format("the search is not complete: {}", row_of(result.end).meaning));
}

}  // namespace

void run_probe(const std::string& program, const ProbeOptions& options) {
    process::set_log_format(options.log_format);
    check_histogram(options.histogram_file);
    process::StopSignal stop;
    process::ReportSignal report_signal;
    const dpdk::Eal eal(program, options.eal);
    std::optional<monitoring::MetricsService> metrics;
    if (!options.metrics.empty())
        metrics.emplace(options.metrics);
    const std::vector<dpdk::Lcore> workers = eal.worker_lcores();
    dpdk::PortRequest request = options.port;
    request.queue_pairs = plan_queue_pairs(workers.size(), options.queue_pairs, options.shape.flows);

    std::vector<std::unique_ptr<dpdk::Mempool>>
        pools;  // must outlive the port, whose driver holds their mbufs
    dpdk::Ports ports;
    const std::uint16_t id = dpdk::choose_ports(eal, options.ports, options.take_kernel_interface).front();
    ports.emplace_back(id, request, std::vector<int>(request.queue_pairs, eal.main_lcore().numa_node));
    const dpdk::Port& port = ports.front();
    dpdk::describe_port(port);
    const std::vector<QueuePairLcores> lcores =
        plan_lcores(eal.main_lcore(), workers, port.plan().queue_pairs);
    log_lcores(lcores, workers);
    dpdk::wait_for_links(ports, options.link_wait, stop);

    const SendPlan plan = plan_for_link(options.plan, options.rate, port);
    pools = make_pools(port, options.port);
    dpdk::log_info("Probing: {} flow{} on {} queue pair{}", options.shape.flows,
                   options.shape.flows == 1 ? "" : "s", lcores.size(), lcores.size() == 1 ? "" : "s");
    if (options.grown)
        dpdk::log_info("The smallest frames have {} bytes: headers and stamp leave no room in {}",
                       smallest_size(options.shape), kSmallestEthernetFrame);
    const TestBed test_bed(port, pools, lcores, options.port.burst, options.drain_seconds, stop,
                           report_signal);
    if (!options.sweep_folder.empty()) {
        const SweepResult result = run_sweep(test_bed, plan, options);
        process::print(options.format == ResultFormat::Json ? render_json(result) : render_markdown(result));
        if (!result.complete())
            throw std::runtime_error(
                fmt::format("the sweep is not complete: {} of {} sizes were measured: {}",
                            result.sizes.size(), result.asked.size(), row_of(result.end).meaning));
        return;
    }
    const Traffic traffic = make_traffic(options, options.sizes.front(), port);
    if (options.interval)
        run_repeatedly(test_bed, traffic, plan, options, metrics ? &*metrics : nullptr, stop);
    else if (options.search.empty())
        run_once(test_bed, traffic, plan, options);
    else
        run_search(test_bed, traffic, plan, options);
}

}  // namespace l2echo::probe
