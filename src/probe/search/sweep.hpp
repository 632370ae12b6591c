// A sweep of frame sizes: for each a rate search and the round trips under load.
#pragma once

#include "l2echo/probe/probe_options.hpp"
#include "probe/run/test_bed.hpp"
#include "probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// Checks that every size can be sent, measures them in turn, and leaves the results in the folder that
/// --sweep names, after each size what there is so far. Throws UsageError for a size that the port does not
/// take, what TestBed throws, and when a file cannot be written.
SweepResult run_sweep(const TestBed& test_bed, const SendPlan& plan, const ProbeOptions& options);

}  // namespace l2echo::probe
