// Takes snapshots of all counters for everything that shows them: the report, metrics, DPDK's telemetry.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/report/snapshot.hpp"

namespace l2echo::operations {

/// Any thread may call it. Workers are not disturbed more than by their counters being read.
class SnapshotSource {
  public:
    using Clock = std::chrono::steady_clock;

    /// However many ask, counters are read at most once in this time: a hundred readings per second cost a
    /// worker nothing that can be measured (docs/operations.md).
    static constexpr std::chrono::milliseconds kMaxAge{10};

    /// Times in snapshots start at construction. `arming_state` returns that of a port by its index.
    SnapshotSource(const dpdk::Ports& ports, const engine::Workers& workers,
                   std::function<verdict::ArmingState(std::size_t port)> arming_state);

    /// Reads everything now.
    report::Snapshot take();
    /// Returns a snapshot that is kMaxAge old at most.
    report::Snapshot recent();

    /// Keeps snapshots waiting while the caller changes a port.
    [[nodiscard]] std::unique_lock<std::mutex> hold_ports() { return std::unique_lock(mutex_); }

    Clock::time_point start() const noexcept { return start_; }

  private:
    void read_all();
    void count_link_change(std::size_t port, wire::LinkState& link);

    const dpdk::Ports& ports_;
    const engine::Workers& workers_;
    std::function<verdict::ArmingState(std::size_t port)> arming_state_;
    const Clock::time_point start_;
    const std::uint64_t start_cycles_;

    std::mutex mutex_;  ///< protects everything below, and the ports
    std::vector<std::uint64_t> first_changes_;
    report::Snapshot last_;
    Clock::time_point read_at_;
};

}  // namespace l2echo::operations
