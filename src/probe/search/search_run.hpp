// The trials of a rate search, run on a test bed: what one search and a sweep of frame sizes share.
#pragma once

#include "probe/run/test_bed.hpp"
#include "probe/search/rate_search.hpp"
#include "probe/search/search_result.hpp"

namespace l2echo::probe {

/// A run of a search that did not end by itself: what it measured says nothing of the far end.
struct Interrupted {
    RunEnd end;
};

/// Frames per second of the most that a search tries: what the plan says, else what the sender reaches. Its
/// run is the warm-up too, and no trial. Throws UsageError when a trial at that rate sends no frame, and
/// Interrupted.
double find_max_rate(const TestBed& test_bed, const Traffic& traffic, const SendPlan& plan,
                     double trial_seconds);

/// Runs and records what the search asks for, until it asks no more. A trial cut short is not recorded:
/// throws Interrupted.
void run_trials(const TestBed& test_bed, const Traffic& traffic, RateSearch& search, double trial_seconds);

/// `share` is what `frames_per_second` is of a rate that was found. Throws Interrupted.
LoadedRoundTrip measure_round_trip(const TestBed& test_bed, const Traffic& traffic, double share,
                                   double frames_per_second, double seconds);

}  // namespace l2echo::probe
