// SIGINT, SIGTERM, a terminal that hangs up, and our own reasons to stop, as one flag.
#pragma once

#include <atomic>
#include <chrono>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/report_signal.hpp"

namespace l2echo::process {

/// While it lives, the first SIGINT or SIGTERM sets the flag and gives both signals back to the system, so
/// that a second one ends the process at once. SIGHUP sets the flag too where the process has a controlling
/// terminal, unless it was started with SIGHUP ignored (nohup); elsewhere it is ignored. One per process.
class StopSignal {
  public:
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    /// For workers, which read it every iteration.
    const std::atomic<bool>& flag() const noexcept { return requested_; }
    bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

    /// From any thread and from signal handlers.
    void request() noexcept;

    /// Sleeps until the flag is set or the time has come; returns whether it is set. Main lcore and reporter.
    /// Given `report`, it also ends as soon as a report is asked for.
    bool wait_until(std::chrono::steady_clock::time_point deadline, ReportSignal* report = nullptr) const;

  private:
    std::atomic<bool> requested_{false};  ///< set by anyone, never cleared
    FileDescriptor event_;                ///< eventfd that wakes those who wait
};

}  // namespace l2echo::process
