#include "probe/search/sweep.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/report/table.hpp"
#include "probe/run/environment.hpp"
#include "probe/run/port_traffic.hpp"
#include "probe/search/search_run.hpp"
#include "probe/search/sweep_folder.hpp"

namespace l2echo::probe {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<RateGoal> goals_of(const std::string& search) {
    if (search.empty())
        return {kPdr, kNdr};
    return {search == kPdr.name ? kPdr : kNdr};
}

/// Returns a rate that is low enough not to cause queueing anywhere.
double unloaded_rate(double found) {
    constexpr double kMaxRate = 10'000;
    constexpr double kShare = 0.01;
    return std::min(kMaxRate, kShare * found);
}

void measure_round_trips(const TestBed& test_bed, const Traffic& traffic, double found, double seconds,
                         SweepSize& size) {
    for (const double share : {0.0, 0.1, 0.5, 0.9}) {
        const double rate = share == 0 ? unloaded_rate(found) : share * found;
        size.round_trips.push_back(measure_round_trip(test_bed, traffic, share, rate, seconds));
    }
}

/// Throws Interrupted.
SweepSize measure(const TestBed& test_bed, const std::string& name, const Traffic& traffic,
                  const SendPlan& plan, const ProbeOptions& options) {
    SweepSize size{.size = name,
                   .frame_bytes = traffic.mean_size(),
                   .searches = {},
                   .round_trips = {},
                   .smallest = traffic.smallest_size(),
                   .largest = traffic.largest_size()};
    const double max_rate = find_max_rate(test_bed, traffic, plan, options.trial_seconds);
    for (const RateGoal& goal : goals_of(options.search)) {
        RateSearch search(max_rate, goal.allowed_loss);
        if (!size.searches.empty())
            for (const Trial& trial : size.searches.back().search.trials())
                search.record(trial);
        run_trials(test_bed, traffic, search, options.trial_seconds);
        size.searches.push_back({goal, std::move(search)});
    }
    if (const auto& found = size.searches.front().search.lower())
        measure_round_trips(test_bed, traffic, found->frames_per_second, options.trial_seconds, size);
    return size;
}

void log_size(const SweepResult& result, Clock::duration elapsed) {
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

/// Measures size by size, and adds each to the result and the folder. Throws Interrupted.
void measure_sizes(const TestBed& test_bed, const SendPlan& plan, const ProbeOptions& options,
                   SweepResult& result) {
    const auto start = Clock::now();
    for (const std::string& name : options.sizes) {
        dpdk::log_info("Size {} ({} of {})", name, result.sizes.size() + 1, result.asked.size());
        const Traffic traffic = make_traffic(options, name, test_bed.port());
        result.sizes.push_back(measure(test_bed, name, traffic, plan, options));
        write_sweep(options.sweep_folder, result);
        log_size(result, Clock::now() - start);
    }
}

}  // namespace

SweepResult run_sweep(const TestBed& test_bed, const SendPlan& plan, const ProbeOptions& options) {
    const dpdk::Port& port = test_bed.port();
    for (const std::string& size : options.sizes)
        make_traffic(options, size, port);
    make_sweep_folder(options.sweep_folder);
    SweepResult result;
    result.command = options.command;
    result.started = fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(std::time(nullptr)));
    result.asked = options.sizes;
    result.link_mbps = port.link().speed_mbps;
    result.trial_seconds = options.trial_seconds;
    result.environment = describe_environment(port, options);
    try {
        measure_sizes(test_bed, plan, options, result);
    } catch (const Interrupted& interrupted) {
        result.end = interrupted.end;
    }
    write_sweep(options.sweep_folder, result);
    draw_sweep(options.sweep_folder);
    return result;
}

}  // namespace l2echo::probe
