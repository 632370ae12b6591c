#include "l2echo/operations/stats_reporter.hpp"

#include <fmt/format.h>

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

}  // namespace

StatsReporter::StatsReporter(SnapshotSource& snapshots, const dpdk::Ports& ports, ReporterHooks hooks,
                             const ReporterSettings& settings)
    : snapshots_(snapshots),
      ports_(ports),
      hooks_(std::move(hooks)),
      format_(settings.format),
      interval_(settings.interval),
      first_(snapshots_.take()),
      reported_(first_),
      previous_(first_) {
    for (const report::PortSnapshot& port : first_.ports)
        links_.push_back(port.link);
}

void StatsReporter::run(process::StopSignal& stop, process::ReportSignal& asked,
                        std::optional<milliseconds> duration, const std::function<void()>& every_second) {
    const Clock::time_point start = snapshots_.start();
    const Clock::time_point end = duration ? start + *duration : Clock::time_point::max();
    milliseconds interval = interval_.load(std::memory_order_relaxed);
    const auto tick = [&interval] { return interval > milliseconds::zero() ? interval : kWatchInterval; };
    Clock::time_point next = start + tick();
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
    report::Snapshot now = snapshots_.take();
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
    report::Snapshot now = snapshots_.take();
    follow_links(now);
    if (dropped_reports() > 0)
        dpdk::log_warning(fmt::format("{} dropped, because stdout was not read or could not be written",
                                      report::format_count(dropped_reports(), "report")));
    output_.finish(render(report::make_report(first_, now, true)));
    if (write_failed_)
        throw std::runtime_error("reports before the final one could not be written to stdout");
}

std::string StatsReporter::render(const report::Report& report) const {
    return format_ == ReportFormat::Json ? report::render_json(report) + "\n" : report::render_table(report);
}

/// Returns false if the report was dropped; the next one then covers its time too. Stops the program if the
/// reader is gone, because nobody wants more reports, but not on a full disk, which is no reason to stop
/// echoing.
bool StatsReporter::print(const report::Report& report, process::StopSignal& stop) {
    const int error = output_.write(render(report));
    const bool dropped = output_.dropped_last();
    if (dropped && dropped_.fetch_add(1, std::memory_order_relaxed) == 0 && error == EAGAIN)
        dpdk::log_warning("stdout is not being read: reports are dropped until it is");
    if (error != 0 && error != EAGAIN && !write_failed_) {
        write_failed_ = true;
        dpdk::log_warning(fmt::format("the report cannot be written to stdout: {}", std::strerror(error)));
        if (error == EPIPE)
            stop.request();
    }
    return !dropped;
}

void StatsReporter::follow_links(const report::Snapshot& now) {
    for (std::size_t i = 0; i < now.ports.size(); ++i) {
        const wire::LinkState before = links_.at(i);
        links_[i] = now.ports[i].link;
        if (links_[i].changes != before.changes)
            hooks_.on_link_change(i);
        log_link(ports_[i], now.ports[i], before);
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
    for (const report::Hint& hint : report.hints)
        if (logged_hints_.insert(hint.text).second)
            dpdk::log_info("hint: {}", hint.text);
}

}  // namespace l2echo::operations
