// A sweep of frame sizes: for each a rate search and the round trips under load.
#pragma once

#include <functional>

#include "l2echo/probe/run/bench.hpp"
#include "l2echo/probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// What a sweep needs anew for every size.
struct SweepParts {
    std::function<Traffic(const std::string& size)> traffic;  ///< throws UsageError
    std::function<Bench(const Traffic&)> bench;
};

/// Checks that every size can be sent, measures them in turn, and leaves the results in the folder that
/// --sweep names, after each size what there is so far. Throws as Bench does, and when a file cannot be
/// written.
SweepResult run_sweep(const ProbeOptions& options, const SendPlan& plan, const dpdk::Port& port,
                      const SweepParts& parts);

}  // namespace l2echo::probe
