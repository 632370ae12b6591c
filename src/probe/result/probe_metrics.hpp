// The results of many runs as metrics.
#pragma once

#include <cstdint>
#include <memory>

#include "l2echo/metrics/family.hpp"
#include "l2echo/probe/result/probe_result.hpp"

namespace l2echo::probe {

/// The sum of all runs so far. Used by one thread at a time.
class ProbeTotals {
  public:
    ProbeTotals();

    /// `failed`: a gate was not met, or the run is not complete.
    void add(const ProbeResult& result, bool failed);
    /// A run that could not even send.
    void add_failed_run();

    /// Returns counters, and the round trips as a histogram in seconds.
    metrics::Families families() const;

  private:
    std::uint64_t runs_ = 0;
    std::uint64_t failed_runs_ = 0;
    std::uint64_t sent_ = 0;
    std::uint64_t sent_bytes_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t corrupted_ = 0;
    std::uint64_t foreign_ = 0;
    std::uint64_t missed_ = 0;
    StreamCounts counts_;
    double tsc_hz_ = 1;
    std::unique_ptr<Histogram> round_trip_;  ///< TSC cycles; too large for a stack
};

}  // namespace l2echo::probe
