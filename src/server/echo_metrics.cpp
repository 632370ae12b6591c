#include "server/echo_metrics.hpp"

#include <rte_cycles.h>

#include <memory>
#include <optional>
#include <string>

#include "l2echo/metrics/family.hpp"
#include "l2echo/report/snapshot_metrics.hpp"

namespace l2echo::server {
namespace {

metrics::Family dropped_reports(const operations::StatsReporter& reporter) {
    return {"l2echo_dropped_reports",
            metrics::Type::Counter,
            "Reports that were dropped because stdout was not read",
            {{{}, reporter.dropped_reports()}}};
}

}  // namespace

monitoring::Monitored show_echo(operations::SnapshotSource& snapshots,
                                const operations::StatsReporter& reporter, const process::StopSignal& stop) {
    const auto hints = std::make_shared<report::RecentHints>();
    return {.families =
                [&snapshots, &reporter, hints] {
                    const report::Snapshot now = snapshots.recent();
                    metrics::Families families =
                        report::metrics_of(now, hints->update(now), static_cast<double>(rte_get_tsc_hz()));
                    families.push_back(dropped_reports(reporter));
                    return families;
                },
            .not_ready_reason = [&snapshots, &stop]() -> std::optional<std::string> {
                if (stop.requested())
                    return "stopping";
                return report::not_ready_reason(snapshots.recent());
            }};
}

}  // namespace l2echo::server
