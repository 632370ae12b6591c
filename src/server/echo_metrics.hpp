// What an echo shows to monitoring systems.
#pragma once

#include "l2echo/monitoring/metrics_service.hpp"
#include "l2echo/operations/snapshot_source.hpp"
#include "l2echo/operations/stats_reporter.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "server/reload.hpp"

namespace l2echo::server {

/// All arguments must outlive the result.
monitoring::Monitored show_echo(operations::SnapshotSource& snapshots,
                                const operations::StatsReporter& reporter, const Reload& reload,
                                const process::StopSignal& stop);

}  // namespace l2echo::server
