#include "probe/search/search_run.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/report/table.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::probe {
namespace {

SendPlan paced_for(double frames_per_second, double seconds) {
    SendPlan plan;
    plan.frames_per_second = frames_per_second;
    plan.seconds = seconds;
    return plan;
}

std::unique_ptr<ProbeResult> run_to_end(const TestBed& test_bed, const Traffic& traffic,
                                        const SendPlan& plan) {
    auto result = test_bed.run(traffic, plan);
    if (!is_usable(result->end))
        throw Interrupted{result->end};
    return result;
}

Trial run_trial(const TestBed& test_bed, const Traffic& traffic, double rate, double seconds) {
    const auto result = run_to_end(test_bed, traffic, paced_for(rate, seconds));
    const auto intended = static_cast<std::uint64_t>(rate * seconds);
    const std::uint64_t returned =
        std::min(result->totals().unique - (result->corrupted - result->damaged), intended);
    return {.frames_per_second = rate,
            .seconds = seconds,
            .intended = intended,
            .lost = intended - returned,
            .sender_limited = result->sender_limited()};
}

void require_frames(double frames_per_second, double trial_seconds) {
    if (frames_per_second * trial_seconds >= 1)
        return;
    constexpr double kFrames = 100;  // enough to detect a loss of 1 %
    throw process::UsageError(
        fmt::format("--trial: {:g} s at {} sends no frame; give trials of {:.1g} s or more", trial_seconds,
                    report::format_scaled(frames_per_second, "frames/s"), kFrames / frames_per_second));
}

}  // namespace

double find_max_rate(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                     double trial_seconds) {
    constexpr double kWarmUpSeconds = 0.5;
    const double asked = plan.bits_per_second > 0
                             ? plan.bits_per_second / (8 * (traffic.mean_size() + wire::kGapAndPreamble))
                             : plan.frames_per_second;
    if (asked > 0)
        require_frames(asked, trial_seconds);
    SendPlan warm_up;
    warm_up.seconds = kWarmUpSeconds;
    const double reached = run_to_end(test_bed, traffic, warm_up)->sent_per_second();
    if (reached > 0)
        require_frames(reached, trial_seconds);
    return asked > 0 ? asked : reached;
}

void run_trials(const TestBed& test_bed, const Traffic& traffic, RateSearch& search, double trial_seconds) {
    constexpr std::size_t kMaxTrials = 50;  // the bounds converge long before, unless the far end is erratic
    std::size_t trials = 0;
    for (auto rate = search.next(); rate && trials < kMaxTrials; rate = search.next(), ++trials) {
        if (*rate * trial_seconds < 1)
            return;  // a trial without a frame proves nothing
        const Trial trial = run_trial(test_bed, traffic, *rate, trial_seconds);
        search.record(trial);
        dpdk::log_info("Trial at {}: lost {} of {}{}", report::format_scaled(*rate, "frames/s"), trial.lost,
                       trial.intended, trial.sender_limited ? " (the probe was the limit)" : "");
    }
}

LoadedRoundTrip measure_round_trip(const TestBed& test_bed, const Traffic& traffic, double share,
                                   double frames_per_second, double seconds) {
    const auto result = run_to_end(test_bed, traffic, paced_for(frames_per_second, seconds));
    return {.share = share,
            .frames_per_second = frames_per_second,
            .lost = result->lost(),
            .tsc_hz = result->tsc_hz,
            .round_trip = result->round_trip};
}

}  // namespace l2echo::probe
