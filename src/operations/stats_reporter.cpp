#include "l2echo/operations/stats_reporter.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/report/json.hpp"
#include "l2echo/report/table.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::operations {
namespace {

using std::chrono::milliseconds;

/// Links and hints are checked this often even if no interval is printed. Removed ports are always checked
/// this often.
constexpr milliseconds kWatchInterval{1000};

enum class Woken { InTime, Early, ToReport, ToStop };

/// Returns after kWatchInterval at the latest, so that the caller can look whether the time is still right.
Woken wait_until(std::chrono::steady_clock::time_point time, const process::StopSignal& stop,
                 process::ReportSignal& asked, const std::function<void()>& every_second) {
    if (stop.wait_until(std::min(time, std::chrono::steady_clock::now() + kWatchInterval), &asked))
        return Woken::ToStop;
    every_second();
    if (asked.take())
        return Woken::ToReport;
    return std::chrono::steady_clock::now() >= time ? Woken::InTime : Woken::Early;
}

report::WorkerSnapshot snapshot_of(const engine::Worker& worker) {
    report::WorkerSnapshot snapshot;
    snapshot.lcore = worker.lcore.id;
    snapshot.numa_node = worker.lcore.numa_node;
    snapshot.busy_cycles = worker.busy_cycles.read();
    for (const engine::QueuePair* pair : worker.queue_pairs)
        snapshot.queue_pairs.push_back({pair->port(), pair->queue(), pair->counters.read()});
    return snapshot;
}

report::PortSnapshot snapshot_of(const dpdk::Port& port) {
    report::PortSnapshot snapshot;
    snapshot.id = port.id();
    snapshot.name = port.name();
    snapshot.driver = port.driver();
    snapshot.mac = wire::format_mac(port.mac());
    snapshot.numa_node = port.numa_node();
    snapshot.promiscuous = port.promiscuous();
    snapshot.removed = port.removed();
    snapshot.link = port.link();
    snapshot.counts = port.counts();
    return snapshot;
}

}  // namespace

StatsReporter::StatsReporter(const dpdk::Ports& ports, const engine::Workers& workers, ReporterHooks hooks,
                             const ReporterSettings& settings)
    : ports_(ports),
      workers_(workers),
      hooks_(std::move(hooks)),
      format_(settings.format),
      interval_(settings.interval),
      start_(Clock::now()),
      start_cycles_(rte_rdtsc()),
      first_(take_snapshot()),
      reported_(first_),
      previous_(first_) {
    for (const report::PortSnapshot& port : first_.ports) {
        links_.push_back(port.link);
        links_.back().changes = 0;
    }
}

void StatsReporter::run(process::StopSignal& stop, process::ReportSignal& asked,
                        std::optional<milliseconds> duration, const std::function<void()>& every_second) {
    const Clock::time_point end = duration ? start_ + *duration : Clock::time_point::max();
    milliseconds interval = interval_.load(std::memory_order_relaxed);
    const auto tick = [&interval] { return interval > milliseconds::zero() ? interval : kWatchInterval; };
    Clock::time_point next = start_ + tick();
    for (;;) {
        const Woken woken = wait_until(std::min(next, end), stop, asked, every_second);
        if (woken == Woken::ToStop)
            return;
        if (const milliseconds wanted = interval_.load(std::memory_order_relaxed); wanted != interval) {
            interval = wanted;
            next = Clock::now() + tick();
        }
        if (woken == Woken::Early) {
            look(false, stop);
            continue;
        }
        const bool last = woken == Woken::InTime && next >= end;
        look(woken == Woken::ToReport || interval > milliseconds::zero(), stop);
        if (last) {
            stop.request();
            return;
        }
        if (woken == Woken::InTime)
            next += tick();
        // A report over a very short time is meaningless: ticks missed during a stall are skipped, and the
        // tick right after a requested report is delayed.
        next = std::max(next, Clock::now() + tick() / 2);
    }
}

/// A report covers the time since the last report, hints cover the time since the last call.
void StatsReporter::look(bool report_too, process::StopSignal& stop) {
    report::Snapshot now = take_snapshot();
    follow_links(now);
    if (report_too && print(report::make_report(reported_, now, false), stop))
        reported_ = now;
    const report::Report since_last_look = report::make_report(previous_, now, false);
    log_new_hints(since_last_look);
    if (hooks_.on_look)
        hooks_.on_look(since_last_look);
    previous_ = std::move(now);
}

void StatsReporter::print_final() {
    report::Snapshot now = take_snapshot();
    follow_links(now);
    if (dropped_ > 0)
        dpdk::log_warning(fmt::format("{} reports were dropped because stdout was not read", dropped_));
    output_.finish(render(report::make_report(first_, now, true)));
    if (told_write_failure_)
        throw std::runtime_error("reports before the final one could not be written to stdout");
}

report::Snapshot StatsReporter::take_snapshot() const {
    report::Snapshot snapshot;
    snapshot.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    snapshot.tsc_cycles = rte_rdtsc() - start_cycles_;
    for (const auto& worker : workers_)
        snapshot.workers.push_back(snapshot_of(*worker));
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        snapshot.ports.push_back(snapshot_of(ports_[i]));
        snapshot.ports.back().arming = hooks_.arming_state(i);
    }
    return snapshot;
}

std::string StatsReporter::render(const report::Report& report) const {
    return format_ == ReportFormat::Json ? report::render_json(report) + "\n" : report::render_table(report);
}

/// Returns false if the report was dropped; the next one then covers its time too. Stops the program if the
/// reader is gone, because nobody wants more reports, but not on a full disk, which is no reason to stop
/// echoing.
bool StatsReporter::print(const report::Report& report, process::StopSignal& stop) {
    const int error = output_.write(render(report));
    if (error == EAGAIN) {
        if (dropped_++ == 0)
            dpdk::log_warning("stdout is not being read: reports are dropped until it is");
        return false;
    }
    if (error != 0 && !told_write_failure_) {
        told_write_failure_ = true;
        dpdk::log_warning(fmt::format("the report cannot be written to stdout: {}", std::strerror(error)));
        if (error == EPIPE)
            stop.request();
    }
    return true;
}

/// Link changes are reported by the driver's interrupt, seen by polling, or both. The larger count is
/// correct.
void StatsReporter::follow_links(report::Snapshot& now) {
    for (std::size_t i = 0; i < now.ports.size(); ++i) {
        report::PortSnapshot& port = now.ports[i];
        const wire::LinkState before = links_.at(i);
        const std::uint64_t by_interrupt = port.link.changes - first_.ports[i].link.changes;
        port.link.changes = std::max(by_interrupt, before.changes + (port.link.up != before.up ? 1 : 0));
        links_[i] = port.link;
        if (port.link.changes != before.changes)
            hooks_.on_link_change(i);
        log_link(ports_[i], port, before);
    }
}

void StatsReporter::log_link(const dpdk::Port& device, const report::PortSnapshot& port,
                             const wire::LinkState& before) const {
    if (port.link.up != before.up)
        dpdk::log_info("Port {}: link is {}{}", port.id, port.link.up ? "up" : "down",
                       port.link.up ? "" : device.link_down_advice());
    else if (port.link.changes != before.changes)
        dpdk::log_info("Port {}: link changed and is {} again", port.id, port.link.up ? "up" : "down");
}

void StatsReporter::log_new_hints(const report::Report& report) {
    for (const std::string& hint : report.hints)
        if (told_hints_.insert(hint).second)
            dpdk::log_info("hint: {}", hint);
}

}  // namespace l2echo::operations
