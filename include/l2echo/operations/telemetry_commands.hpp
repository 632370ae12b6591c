// Commands on EAL's telemetry socket, for dpdk-telemetry.py and for exporters that already read DPDK's
// counters there.
#pragma once

#include "l2echo/operations/snapshot_source.hpp"

namespace l2echo::operations {

/// Answers /l2echo/info, /l2echo/totals, /l2echo/refused, /l2echo/workers and /l2echo/ports during its
/// lifetime; DPDK has no way to withdraw a command, so afterwards they answer null. Also reports to DPDK how
/// busy each worker is (/eal/lcore/usage) where DPDK can show it, from 23.03 on. One per process.
class TelemetryCommands {
  public:
    /// The source must outlive this object.
    explicit TelemetryCommands(SnapshotSource& snapshots);
    ~TelemetryCommands();  ///< waits until no command uses the source
    TelemetryCommands(const TelemetryCommands&) = delete;
    TelemetryCommands& operator=(const TelemetryCommands&) = delete;
};

}  // namespace l2echo::operations
