// Runs the trials of a rate search on a test bed. Shared by a single search and a sweep of frame sizes.
#pragma once

#include "probe/run/test_bed.hpp"
#include "probe/search/rate_search.hpp"
#include "probe/search/search_result.hpp"

namespace l2echo::probe {

/// Thrown if a run of a search did not end normally: its measurements say nothing about the far end.
struct Interrupted {
    RunEnd end;
};

/// Returns the maximum rate of a search in frames per second: that of the plan, otherwise what the sender
/// reaches. Its run also serves as warm-up and does not count as a trial. Throws UsageError if a trial at
/// that rate would send no frame, and Interrupted.
double find_max_rate(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                     double trial_seconds);

/// Runs and records trials until the search ends. Throws Interrupted if a trial is cut short; that trial is
/// not recorded.
void run_trials(const TestBed& test_bed, const Traffic& traffic, RateSearch& search, double trial_seconds);

/// `share` is the ratio of `frames_per_second` to the rate found. Throws Interrupted.
LoadedRoundTrip measure_round_trip(const TestBed& test_bed, const Traffic& traffic, double share,
                                   double frames_per_second, double seconds);

}  // namespace l2echo::probe
