// Reads the counters periodically, prints the report, and logs link changes and hints. Never accesses frames.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/operations/snapshot_source.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/report/report.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::operations {

enum class ReportFormat { Table, Json };

struct ReporterSettings {
    ReportFormat format = ReportFormat::Table;
    std::chrono::milliseconds interval{0};  ///< 0: only the final report and requested ones
};

/// Callbacks of the reporter, called by its thread. A port is given by its index.
struct ReporterHooks {
    std::function<void(std::size_t port)> on_link_change;
    /// Gets a report over the time since the last call, at least once per second.
    std::function<void(const report::Report& report)> on_look{};
};

/// Used by one thread at a time: the main lcore, or a control thread while the main lcore echoes.
class StatsReporter {
  public:
    /// `ports` are those of the snapshots.
    StatsReporter(SnapshotSource& snapshots, const dpdk::Ports& ports, ReporterHooks hooks,
                  const ReporterSettings& settings);

    /// Reports until the stop signal is set: at every interval, and whenever `asked` requests a report. Sets
    /// the stop signal itself after `duration`. Calls `every_second` at least once per second, before it
    /// reads the counters.
    void run(process::StopSignal& stop, process::ReportSignal& asked,
             std::optional<std::chrono::milliseconds> duration, const std::function<void()>& every_second);

    /// Any thread: changes the interval of run().
    void set_interval(std::chrono::milliseconds interval) noexcept {
        interval_.store(interval, std::memory_order_relaxed);
    }

    /// Call after the workers were joined, when the counts are final and balance. Throws if stdout cannot be
    /// written.
    void print_final();

    /// Returns the number of reports that were dropped because stdout was not read or could not be
    /// written. Any thread.
    std::uint64_t dropped_reports() const noexcept { return dropped_.load(std::memory_order_relaxed); }

  private:
    using Clock = std::chrono::steady_clock;

    std::string render(const report::Report& report) const;
    void look(bool report_too, process::StopSignal& stop);
    bool print(const report::Report& report, process::StopSignal& stop);
    void follow_links(const report::Snapshot& now);
    void log_link(const dpdk::Port& device, const report::PortSnapshot& port,
                  const wire::LinkState& before) const;
    void log_new_hints(const report::Report& report);

    SnapshotSource& snapshots_;
    const dpdk::Ports& ports_;
    ReporterHooks hooks_;
    ReportFormat format_;
    std::atomic<std::chrono::milliseconds> interval_;  ///< written by set_interval()
    report::Snapshot first_;
    report::Snapshot reported_;           ///< at the last report
    report::Snapshot previous_;           ///< at the last call of look()
    std::vector<wire::LinkState> links_;  ///< as last seen by follow_links()
    std::set<std::string> logged_hints_;
    process::ReportOutput output_;
    std::atomic<std::uint64_t> dropped_{0};  ///< written by the reporter's thread only
    bool write_failed_ = false;
};

}  // namespace l2echo::operations
