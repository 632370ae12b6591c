#include "l2echo/probe/probe_run.hpp"

#include <fmt/ranges.h>
#include <rte_cycles.h>
#include <rte_random.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>

#include "l2echo/control/eal.hpp"
#include "l2echo/control/log.hpp"
#include "l2echo/control/port_selection.hpp"
#include "l2echo/control/stop_signal.hpp"
#include "l2echo/error.hpp"
#include "l2echo/probe/bench.hpp"
#include "l2echo/probe/search_result.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo {
namespace {

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

void throw_if_too_long(const Traffic& traffic, const PortPlan& plan) {
    const std::size_t tags = kVlanTagLength * traffic.shape().vlan_ids.size();
    if (traffic.largest_size() - kFcsLength > plan.mtu + kEthernetHeaderLength + tags)
        throw UsageError(fmt::format("--size {}: frames of more than {} bytes need --mtu {}",
                                     traffic.largest_size(), plan.mtu + kEthernetHeaderLength + kFcsLength,
                                     traffic.largest_size() - kEthernetHeaderLength - kFcsLength));
}

/// Mbufs for a full TX ring, a burst that waits and one that is built, for each queue pair.
std::vector<std::unique_ptr<Mempool>> make_pools(const Port& port, const PortRequest& request) {
    const std::uint32_t mbufs =
        mbufs_needed(0, port.plan().tx_descriptors, 2u * request.burst, request.mempool_cache);
    std::vector<std::unique_ptr<Mempool>> pools;
    for (std::uint16_t queue = 0; queue < port.plan().queue_pairs; ++queue)
        pools.push_back(std::make_unique<Mempool>(fmt::format("probe_tx_q{}", queue), mbufs,
                                                  request.mempool_cache, port.plan().mbuf_data_room,
                                                  port.numa_node()));
    return pools;
}

void tell_lcores(const std::vector<QueuePairLcores>& lcores, const std::vector<Lcore>& workers) {
    for (std::size_t queue = 0; queue < lcores.size(); ++queue)
        log_info("Queue pair {}: {}", queue, describe(lcores[queue]));
    const auto idle = std::ranges::count_if(workers, [&lcores](const Lcore& worker) {
        return std::ranges::none_of(lcores, [&worker](const QueuePairLcores& pair) {
            return worker.id == pair.sender || worker.id == pair.checker;
        });
    });
    if (idle > 0)
        log_info("{} lcore{} left over: more --queues (and --flows) would use them", idle,
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
    log_info("Trial at {}: lost {} of {}{}", format_scaled(rate, "frames/s"), trial.lost, intended,
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
    const std::vector<Lcore> workers = eal.worker_lcores();
    PortRequest request = options.port;
    request.workers = plan_queue_pairs(workers.size(), options.queue_pairs, options.shape.flows);

    std::vector<std::unique_ptr<Mempool>> pools;  // outlive the port, whose driver holds their mbufs
    std::vector<std::unique_ptr<Port>> ports;
    const std::uint16_t id = choose_ports(eal, options.ports, options.take_kernel_interface).front();
    ports.push_back(
        std::make_unique<Port>(id, request, std::vector<int>(request.workers, eal.main_lcore().numa_node)));
    const Port& port = *ports.front();
    describe_port(port);
    const std::vector<QueuePairLcores> lcores =
        plan_lcores(eal.main_lcore(), workers, port.plan().queue_pairs);
    tell_lcores(lcores, workers);
    wait_for_links(ports, options.link_wait, stop);

    TrafficShape shape = options.shape;
    shape.source = port.mac();
    const Traffic traffic(shape, options.swap_level, static_cast<std::uint32_t>(rte_rand()));
    throw_if_too_long(traffic, port.plan());
    const SendPlan plan = plan_for_link(options.plan, options.rate, port);
    pools = make_pools(port, options.port);
    const Bench bench(traffic, port, pools, lcores, options, stop);
    log_info("Probing: {} flow{} on {} queue pair{}", shape.flows, shape.flows == 1 ? "" : "s", lcores.size(),
             lcores.size() == 1 ? "" : "s");
    options.search.empty() ? run_once(bench, plan, traffic, port, options)
                           : run_search(bench, plan, traffic, port, options);
}

}  // namespace l2echo
