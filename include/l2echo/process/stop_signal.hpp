// Combines SIGINT, SIGTERM, a terminal hang-up and the program's own reasons to stop in one flag.
#pragma once

#include <atomic>
#include <chrono>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/request_signal.hpp"

namespace l2echo::process {

/// During its lifetime, the first SIGINT or SIGTERM sets the flag and restores the default action of both, so
/// that a second one ends the process at once. SIGHUP also sets the flag if the process has a controlling
/// terminal and was not started with SIGHUP ignored (nohup); otherwise it is ignored. One per process.
class StopSignal {
  public:
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    /// True if the process had a controlling terminal when it started.
    bool has_terminal() const noexcept { return has_terminal_; }

    /// The flag itself, for workers, which read it in every iteration.
    const std::atomic<bool>& flag() const noexcept { return requested_; }
    bool requested() const noexcept { return requested_.load(std::memory_order_relaxed); }

    /// Sets the flag. Callable from any thread and from signal handlers.
    void request() noexcept;

    /// Sleeps until the flag is set or the deadline passes; returns true if the flag is set. With `request`,
    /// it also returns as soon as that signal arrives. Called by the main lcore and the reporter.
    bool wait_until(std::chrono::steady_clock::time_point deadline, RequestSignal* request = nullptr) const;

  private:
    std::atomic<bool> requested_{false};  ///< set by any thread or signal handler, never cleared
    bool has_terminal_;
    FileDescriptor event_;  ///< eventfd that wakes waiting threads
};

}  // namespace l2echo::process
