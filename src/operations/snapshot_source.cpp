#include "l2echo/operations/snapshot_source.hpp"

#include <rte_cycles.h>

#include <algorithm>
#include <utility>

#include "l2echo/wire/ethernet.hpp"

namespace l2echo::operations {
namespace {

report::WorkerSnapshot snapshot_of(const engine::Worker& worker) {
    report::WorkerSnapshot snapshot;
    snapshot.lcore = worker.lcore.id;
    snapshot.numa_node = worker.lcore.numa_node;
    snapshot.busy_cycles = worker.busy_cycles.read();
    for (const engine::QueuePair* pair : worker.queue_pairs)
        snapshot.queue_pairs.push_back(
            {pair->port(), pair->queue(), pair->counters.read(), pair->max_retries()});
    snapshot.running = worker.running.load(std::memory_order_relaxed);
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

SnapshotSource::SnapshotSource(const dpdk::Ports& ports, const engine::Workers& workers,
                               std::function<verdict::ArmingState(std::size_t port)> arming_state)
    : ports_(ports),
      workers_(workers),
      arming_state_(std::move(arming_state)),
      start_(Clock::now()),
      start_cycles_(rte_rdtsc()) {
    for (const dpdk::Port& port : ports_)
        first_changes_.push_back(port.link().changes);
    const std::lock_guard lock(mutex_);
    read_all();
}

report::Snapshot SnapshotSource::take() {
    const std::lock_guard lock(mutex_);
    read_all();
    return last_;
}

report::Snapshot SnapshotSource::recent() {
    const std::lock_guard lock(mutex_);
    if (Clock::now() - read_at_ >= kMaxAge)
        read_all();
    return last_;
}

void SnapshotSource::read_all() {
    report::Snapshot snapshot;
    read_at_ = Clock::now();
    snapshot.seconds = std::chrono::duration<double>(read_at_ - start_).count();
    snapshot.tsc_cycles = rte_rdtsc() - start_cycles_;
    for (const auto& worker : workers_)
        snapshot.workers.push_back(snapshot_of(*worker));
    for (std::size_t i = 0; i < ports_.size(); ++i) {
        snapshot.ports.push_back(snapshot_of(ports_[i]));
        snapshot.ports.back().arming = arming_state_(i);
        count_link_change(i, snapshot.ports.back().link);
    }
    last_ = std::move(snapshot);
}

/// Link changes are reported by the driver's interrupt, seen by polling, or both. The larger count is
/// correct.
void SnapshotSource::count_link_change(std::size_t port, wire::LinkState& link) {
    const std::uint64_t by_interrupt = link.changes - first_changes_[port];
    if (last_.ports.empty()) {
        link.changes = by_interrupt;
        return;
    }
    const wire::LinkState& before = last_.ports.at(port).link;
    link.changes = std::max(by_interrupt, before.changes + (link.up != before.up ? 1 : 0));
}

}  // namespace l2echo::operations
