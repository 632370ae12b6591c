#include "l2echo/probe/probe_run.hpp"

#include <fmt/ranges.h>
#include <rte_cycles.h>
#include <rte_random.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/probe/run/bench.hpp"
#include "l2echo/probe/search/search_run.hpp"
#include "l2echo/probe/search/sweep.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::probe {
namespace {

SendPlan plan_for_link(SendPlan plan, const cli::RateRequest& rate, const dpdk::Port& port) {
    plan.frames_per_second = rate.frames_per_second;
    plan.bits_per_second = rate.bits_per_second;
    if (rate.percent_of_link > 0) {
        const std::uint32_t speed = port.link().speed_mbps;
        if (speed == 0)
            throw process::StartupError(
                fmt::format("--rate in percent: {} does not tell its link speed; give frames or bits "
                            "per second",
                            dpdk::port_label(port.id())));
        plan.bits_per_second = speed * 1e6 * rate.percent_of_link / 100;
    }
    return plan;
}

void throw_if_too_long(const Traffic& traffic, const dpdk::PortPlan& plan) {
    const std::size_t tags = wire::kVlanTagLength * traffic.shape().vlan_ids.size();
    if (traffic.largest_size() - wire::kFcsLength > plan.mtu + wire::kEthernetHeaderLength + tags)
        throw process::UsageError(
            fmt::format("--size {}: frames of more than {} bytes need --mtu {}", traffic.largest_size(),
                        plan.mtu + wire::kEthernetHeaderLength + wire::kFcsLength,
                        traffic.largest_size() - wire::kEthernetHeaderLength - wire::kFcsLength));
}

/// Frames of these sizes, from this port. Throws UsageError when they are longer than it takes.
Traffic make_traffic(const ProbeOptions& options, const std::string& sizes, const dpdk::Port& port) {
    TrafficShape shape = options.shape;
    shape.source = port.mac();
    parse_sizes(sizes, shape);
    Traffic traffic(shape, options.swap_level, static_cast<std::uint32_t>(rte_rand()));
    throw_if_too_long(traffic, port.plan());
    return traffic;
}

/// Mbufs for a full TX ring, a burst that waits and one that is built, for each queue pair.
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

void tell_lcores(const std::vector<QueuePairLcores>& lcores, const std::vector<dpdk::Lcore>& workers) {
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
void run_once(const Bench& bench, const SendPlan& plan, const Traffic& traffic, const dpdk::Port& port,
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

void run_search(const Bench& bench, const SendPlan& plan, const Traffic& traffic, const dpdk::Port& port,
                const ProbeOptions& options) {
    const RateGoal goal = options.search == kPdr.name ? kPdr : kNdr;
    SearchResult result{goal.name,
                        goal.allowed_loss,
                        options.sizes,
                        RateSearch(find_max_rate(bench, plan, traffic), goal.allowed_loss),
                        true,
                        {},
                        describe_environment(port, options)};
    run_trials(bench, result.search, options.trial_seconds);
    for (const double share : {0.1, 0.5, 0.9}) {
        if (!result.search.lower() || bench.stopped())
            break;
        const double rate = share * result.search.lower()->frames_per_second;
        result.round_trips.push_back(measure_round_trip(bench, share, rate, options.trial_seconds));
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
                                         traffic.size_of(static_cast<std::uint64_t>(i)) - wire::kFcsLength);
        const std::uint64_t begin = rte_rdtsc();
        Stamp stamp{0, static_cast<std::uint64_t>(i), begin & ((std::uint64_t{1} << 48) - 1)};
        traffic.write(bytes, stamp);
        traffic.check(bytes, scratch, stamp);  // a frame not swapped: found corrupted after the same work
        histogram.add(rte_rdtsc() - begin);
    }
    return histogram;
}

void run_probe(const std::string& program, const ProbeOptions& options) {
    process::StopSignal stop;
    const dpdk::Eal eal(program, options.eal);
    const std::vector<dpdk::Lcore> workers = eal.worker_lcores();
    dpdk::PortRequest request = options.port;
    request.workers = plan_queue_pairs(workers.size(), options.queue_pairs, options.shape.flows);

    std::vector<std::unique_ptr<dpdk::Mempool>> pools;  // outlive the port, whose driver holds their mbufs
    std::vector<std::unique_ptr<dpdk::Port>> ports;
    const std::uint16_t id = dpdk::choose_ports(eal, options.ports, options.take_kernel_interface).front();
    ports.push_back(std::make_unique<dpdk::Port>(
        id, request, std::vector<int>(request.workers, eal.main_lcore().numa_node)));
    const dpdk::Port& port = *ports.front();
    dpdk::describe_port(port);
    const std::vector<QueuePairLcores> lcores =
        plan_lcores(eal.main_lcore(), workers, port.plan().queue_pairs);
    tell_lcores(lcores, workers);
    dpdk::wait_for_links(ports, options.link_wait, stop);

    const SendPlan plan = plan_for_link(options.plan, options.rate, port);
    pools = make_pools(port, options.port);
    dpdk::log_info("Probing: {} flow{} on {} queue pair{}", options.shape.flows,
                   options.shape.flows == 1 ? "" : "s", lcores.size(), lcores.size() == 1 ? "" : "s");
    const auto bench_for = [&](const Traffic& traffic) {
        return Bench(traffic, port, pools, lcores, options, stop);
    };
    if (!options.sweep_folder.empty()) {
        const auto traffic_of = [&](const std::string& size) { return make_traffic(options, size, port); };
        const SweepResult result = run_sweep(options, plan, port, {traffic_of, bench_for});
        fmt::print("{}", options.json ? render_json(result) : render_markdown(result));
        return;
    }
    const Traffic traffic = make_traffic(options, options.sizes, port);
    const Bench bench = bench_for(traffic);
    options.search.empty() ? run_once(bench, plan, traffic, port, options)
                           : run_search(bench, plan, traffic, port, options);
}

}  // namespace l2echo::probe
