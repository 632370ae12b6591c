#include "l2echo/probe/search/sweep.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/probe/search/search_run.hpp"
#include "l2echo/probe/search/sweep_folder.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo::probe {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<RateGoal> goals_of(const std::string& search) {
    if (search.empty())
        return {kPdr, kNdr};
    return {search == kPdr.name ? kPdr : kNdr};
}

/// Slow enough not to queue anywhere.
double unloaded_rate(double found) {
    constexpr double kMost = 10'000;
    constexpr double kShare = 0.01;
    return std::min(kMost, kShare * found);
}

void measure_round_trips(const Bench& bench, double found, double seconds, SweepSize& size) {
    for (const double share : {0.0, 0.1, 0.5, 0.9}) {
        const double rate = share == 0 ? unloaded_rate(found) : share * found;
        LoadedRoundTrip loaded = measure_round_trip(bench, share, rate, seconds);
        if (bench.stopped())
            return;
        size.round_trips.push_back(std::move(loaded));
    }
}

/// Not to be used when the bench was stopped on the way.
SweepSize measure(const Bench& bench, const std::string& name, const Traffic& traffic, const SendPlan& plan,
                  const ProbeOptions& options) {
    SweepSize size{name, traffic.mean_size(), {}, {}};
    const double max_rate = find_max_rate(bench, plan, traffic);
    for (const RateGoal& goal : goals_of(options.search)) {
        RateSearch search(max_rate, goal.allowed_loss);
        if (!size.searches.empty())
            for (const Trial& trial : size.searches.back().search.trials())
                search.record(trial);
        run_trials(bench, search, options.trial_seconds);
        size.searches.push_back({goal, std::move(search)});
    }
    if (const auto& found = size.searches.front().search.lower())
        measure_round_trips(bench, found->frames_per_second, options.trial_seconds, size);
    return size;
}

void tell(const SweepResult& result, Clock::duration elapsed) {
    const SweepSize& size = result.sizes.back();
    std::string found;
    for (const GoalSearch& entry : size.searches) {
        const auto& lower = entry.search.lower();
        found += fmt::format("{} {}, ", title_of(entry.goal),
                             lower ? report::format_scaled(lower->frames_per_second, "frames/s") : "none");
    }
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const auto done = static_cast<double>(result.sizes.size());
    const double left = seconds / done * (static_cast<double>(result.asked.size()) - done);
    dpdk::log_info("Size {}: {}{:.0f} s so far, about {:.0f} s left", size.size, found, seconds, left);
}

}  // namespace

SweepResult run_sweep(const ProbeOptions& options, const SendPlan& plan, const dpdk::Port& port,
                      const SweepParts& parts) {
    for (const std::string& size : options.sweep_sizes)
        parts.traffic(size);
    make_sweep_folder(options.sweep_folder);
    SweepResult result;
    result.command = options.command;
    result.started = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr)));
    result.asked = options.sweep_sizes;
    result.link_mbps = port.link().speed_mbps;
    result.trial_seconds = options.trial_seconds;
    result.environment = describe_environment(port, options);
    const auto start = Clock::now();
    for (const std::string& name : options.sweep_sizes) {
        dpdk::log_info("Size {} ({} of {})", name, result.sizes.size() + 1, result.asked.size());
        const Traffic traffic = parts.traffic(name);
        const Bench bench = parts.bench(traffic);
        SweepSize size = measure(bench, name, traffic, plan, options);
        if (bench.stopped())
            break;
        result.sizes.push_back(std::move(size));
        result.complete = result.sizes.size() == result.asked.size();
        write_sweep(options.sweep_folder, result);
        tell(result, Clock::now() - start);
    }
    write_sweep(options.sweep_folder, result);
    draw_sweep(options.sweep_folder, result);
    return result;
}

}  // namespace l2echo::probe
