// Reads the counters at intervals, prints the report, tells link changes and hints. Touches no frame.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/arming.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/report/report.hpp"
#include "l2echo/server/options.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::operations {

/// Used by one thread at a time: the main lcore, or the control thread while the main lcore echoes.
class StatsReporter {
  public:
    /// Time counts from here. `interval` 0 prints nothing until the final report.
    StatsReporter(const std::vector<std::unique_ptr<dpdk::Port>>& ports,
                  const std::vector<std::unique_ptr<engine::Worker>>& workers, echo::Session& session,
                  server::StatsFormat format, std::chrono::milliseconds interval);

    /// Reports until the stop signal is set; sets it itself when `duration` is over. `every_second` is called
    /// at least that often, before the counters are read.
    void run(process::StopSignal& stop, std::optional<std::chrono::milliseconds> duration,
             const std::function<void()>& every_second);

    /// After the workers were joined: the counts are final and balance. Throws when stdout takes no more.
    void print_final();

  private:
    using Clock = std::chrono::steady_clock;

    report::Snapshot take_snapshot() const;
    bool write_to_stdout(const report::Report& report) const;  ///< sets errno when false
    void print(const report::Report& report, process::StopSignal& stop);
    void follow_links(report::Snapshot& now);
    void tell_link(const report::PortSnapshot& port, const wire::LinkState& before) const;
    void tell_new_hints(const report::Report& report);

    const std::vector<std::unique_ptr<dpdk::Port>>& ports_;
    const std::vector<std::unique_ptr<engine::Worker>>& workers_;
    echo::Session& session_;
    server::StatsFormat format_;
    std::chrono::milliseconds interval_;
    Clock::time_point start_;
    std::uint64_t start_cycles_;
    report::Snapshot first_;
    report::Snapshot previous_;
    std::vector<wire::LinkState> links_;  ///< as last seen, with the changes told so far
    std::set<std::string> told_hints_;
    bool told_write_failure_ = false;
};

/// The interval in force: what was asked for, else 1 s, but none for a table that nobody watches.
std::chrono::milliseconds effective_interval(const server::Options& options, bool stdout_is_terminal);

}  // namespace l2echo::operations
