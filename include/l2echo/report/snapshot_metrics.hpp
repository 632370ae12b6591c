// A snapshot as metrics, and whether it shows a server that is ready.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "l2echo/metrics/family.hpp"
#include "l2echo/report/report.hpp"

namespace l2echo::report {

/// `tsc_hz` converts TSC cycles to seconds. `hints` are those that applied recently. Every counter and every
/// hint is present from the start, with 0.
metrics::Families metrics_of(const Snapshot& snapshot, const std::vector<Hint>& hints, double tsc_hz);

/// Returns why the server is not ready, in one line; empty if it is: every worker runs and the link of every
/// port is up.
std::optional<std::string> not_ready_reason(const Snapshot& snapshot);

/// Remembers which hints applied recently, because those of a moment would be missed between two scrapes.
/// Used by one thread.
class RecentHints {
  public:
    /// Returns the hints of the last 15 to 30 seconds, or since the last call if that was earlier.
    std::vector<Hint> update(const Snapshot& now);

  private:
    std::optional<Snapshot> before_;
    std::optional<Snapshot> last_;
};

}  // namespace l2echo::report
