#include "l2echo/control/stats_reporter.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cstdio>

#include "l2echo/control/log.hpp"
#include "l2echo/report/json.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo {
namespace {

using std::chrono::milliseconds;

/// Links and hints are looked at this often even when no interval is printed.
constexpr milliseconds kWatchInterval{1000};

WorkerSnapshot snapshot_of(const Worker& worker) {
    WorkerSnapshot snapshot;
    snapshot.lcore = worker.lcore;
    snapshot.numa_node = worker.numa_node;
    snapshot.busy_cycles = worker.busy_cycles.read();
    for (const QueuePair* pair : worker.queue_pairs)
        snapshot.queue_pairs.push_back({pair->port, pair->queue, pair->counters.read()});
    return snapshot;
}

PortSnapshot snapshot_of(const Port& port) {
    PortSnapshot snapshot;
    snapshot.id = port.id();
    snapshot.name = port.name();
    snapshot.driver = port.driver();
    snapshot.mac = format_mac(port.mac());
    snapshot.numa_node = port.numa_node();
    snapshot.promiscuous = port.promiscuous();
    snapshot.link = port.link();
    snapshot.counts = port.counts();
    return snapshot;
}

}  // namespace

StatsReporter::StatsReporter(const std::vector<std::unique_ptr<Port>>& ports,
                             const std::vector<std::unique_ptr<Worker>>& workers, StatsFormat format,
                             milliseconds interval)
    : ports_(ports),
      workers_(workers),
      format_(format),
      interval_(interval),
      start_(Clock::now()),
      start_cycles_(rte_rdtsc()),
      first_(take_snapshot()),
      previous_(first_) {
    for (const PortSnapshot& port : first_.ports)
        told_links_.push_back(port.link);
}

void StatsReporter::run(StopSignal& stop, std::optional<milliseconds> duration) {
    const milliseconds tick = interval_ > milliseconds::zero() ? interval_ : kWatchInterval;
    const auto end = duration ? std::optional(start_ + *duration) : std::nullopt;
    for (auto next = start_ + tick;; next += tick) {
        const bool last = end && next >= *end;
        if (stop.wait_until(last ? *end : next))
            return;
        const Snapshot now = take_snapshot();
        const Report report = make_report(previous_, now, false);
        if (interval_ > milliseconds::zero())
            print(report);
        tell_link_changes(now);
        tell_new_hints(report);
        previous_ = now;
        if (last) {
            stop.request();
            return;
        }
    }
}

void StatsReporter::print_final() {
    print(make_report(first_, take_snapshot(), true));
}

Snapshot StatsReporter::take_snapshot() const {
    Snapshot snapshot;
    snapshot.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    snapshot.tsc_cycles = rte_rdtsc() - start_cycles_;
    for (const auto& worker : workers_)
        snapshot.workers.push_back(snapshot_of(*worker));
    for (const auto& port : ports_)
        snapshot.ports.push_back(snapshot_of(*port));
    return snapshot;
}

void StatsReporter::print(const Report& report) const {
    const std::string text = format_ == StatsFormat::Json ? render_json(report) + "\n" : render_table(report);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void StatsReporter::tell_link_changes(const Snapshot& now) {
    for (std::size_t i = 0; i < now.ports.size(); ++i) {
        const LinkState& link = now.ports[i].link;
        LinkState& told = told_links_.at(i);
        if (link.up != told.up)
            log_info("Port {}: link is {}", now.ports[i].id, link.up ? "up" : "down");
        else if (link.changes != told.changes)
            log_info("Port {}: link changed and is {} again", now.ports[i].id, link.up ? "up" : "down");
        told = link;
    }
}

void StatsReporter::tell_new_hints(const Report& report) {
    for (const std::string& hint : report.hints)
        if (told_hints_.insert(hint).second)
            log_info("hint: {}", hint);
}

milliseconds effective_interval(const Options& options, bool stdout_is_terminal) {
    const bool watched = options.stats_format == StatsFormat::Json || stdout_is_terminal;
    return options.stats_interval.value_or(watched ? milliseconds(1000) : milliseconds::zero());
}

}  // namespace l2echo
