#include "server/echo_metrics.hpp"

#include <rte_cycles.h>

#include <chrono>
#include <cstdint>
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
            "Reports that were dropped because stdout was not read or could not be written",
            {{{}, reporter.dropped_reports()}}};
}

/// Named as in Prometheus itself, so that one rule can cover both.
void add_reload(metrics::Families& families, const Reload& reload) {
    const std::chrono::duration<double> since_1970 = reload.last_success().time_since_epoch();
    families.push_back({"l2echo_config_last_reload_successful",
                        metrics::Type::Gauge,
                        "1 if the last reload succeeded, or there was none",
                        {{{}, std::uint64_t{reload.last_succeeded() ? 1U : 0U}}}});
    families.push_back({"l2echo_config_last_reload_success_timestamp_seconds",
                        metrics::Type::Gauge,
                        "When the options in force were read, since 1970",
                        {{{}, since_1970.count()}}});
}

}  // namespace

monitoring::Monitored show_echo(operations::SnapshotSource& snapshots,
                                const operations::StatsReporter& reporter, const Reload& reload,
                                const process::StopSignal& stop) {
    const auto hints = std::make_shared<report::RecentHints>();
    return {.families =
                [&snapshots, &reporter, &reload, hints] {
                    const report::Snapshot now = snapshots.recent();
                    metrics::Families families =
                        report::metrics_of(now, hints->update(now), static_cast<double>(rte_get_tsc_hz()));
                    families.push_back(dropped_reports(reporter));
                    add_reload(families, reload);
                    return families;
                },
            .not_ready_reason = [&snapshots, &stop]() -> std::optional<std::string> {
                if (stop.requested())
                    return "stopping";
                return report::not_ready_reason(snapshots.recent());
            }};
}

}  // namespace l2echo::server
