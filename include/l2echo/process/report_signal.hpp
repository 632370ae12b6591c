// SIGUSR1 as a request for an immediate report.
#pragma once

#include <atomic>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {

/// During its lifetime, SIGUSR1 requests a report; afterwards it is ignored. One per process.
class ReportSignal {
  public:
    ReportSignal();
    ~ReportSignal();
    ReportSignal(const ReportSignal&) = delete;
    ReportSignal& operator=(const ReportSignal&) = delete;

    /// True if a report was requested since the last call. Cheap enough for a polling loop.
    bool take() noexcept {
        return wanted_.load(std::memory_order_relaxed) && wanted_.exchange(false, std::memory_order_relaxed);
    }

    /// Descriptor to poll() for input; once readable, take() may return true.
    int descriptor() const noexcept { return event_.get(); }
    /// Clears the descriptor's readability. Call before take().
    void acknowledge() noexcept;

  private:
    static void on_signal(int);

    std::atomic<bool> wanted_{false};  ///< set by the signal handler, cleared by take()
    FileDescriptor event_;             ///< eventfd that wakes the waiting thread
};

}  // namespace l2echo::process
