// A sweep of frame sizes: for each size, a rate search and round trips under load.
#pragma once

#include "l2echo/probe/probe_options.hpp"
#include "probe/run/test_bed.hpp"
#include "probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// Checks that every size can be sent, measures them in turn, and writes the results so far to the folder of
/// --sweep after each size. Throws UsageError for a size that the port does not support, whatever TestBed
/// throws, and an error if a file cannot be written.
SweepResult run_sweep(const TestBed& test_bed, const SendPlan& plan, const ProbeOptions& options);

}  // namespace l2echo::probe
