// The trials of a rate search, run on a bench: what one search and a sweep of frame sizes share.
#pragma once

#include "l2echo/probe/run/bench.hpp"
#include "l2echo/probe/search/rate_search.hpp"
#include "l2echo/probe/search/search_result.hpp"

namespace l2echo::probe {

/// Frames per second of the most that a search tries: what the plan says, else what the sender reaches. Its
/// run is the warm-up too, and no trial.
double find_max_rate(const Bench& bench, const SendPlan& plan, const Traffic& traffic);

/// Runs and records what the search asks for, until it asks no more or the bench is told to stop; a trial cut
/// short is not recorded.
void run_trials(const Bench& bench, RateSearch& search, double trial_seconds);

/// `share` is what `frames_per_second` is of a rate that was found.
LoadedRoundTrip measure_round_trip(const Bench& bench, double share, double frames_per_second,
                                   double seconds);

}  // namespace l2echo::probe
