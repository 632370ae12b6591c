// SIGUSR1, as a request for a report at once.
#pragma once

#include <atomic>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {

/// While it lives, SIGUSR1 asks for a report; afterwards it is ignored. One per process.
class ReportSignal {
  public:
    ReportSignal();
    ~ReportSignal();
    ReportSignal(const ReportSignal&) = delete;
    ReportSignal& operator=(const ReportSignal&) = delete;

    /// Whether a report was asked for since the last call. Cheap enough for a polling loop.
    bool take() noexcept {
        return wanted_.load(std::memory_order_relaxed) && wanted_.exchange(false, std::memory_order_relaxed);
    }

    /// To poll() for input: take() may be true then.
    int descriptor() const noexcept { return event_.get(); }
    /// Makes the descriptor unreadable again; before take().
    void acknowledge() noexcept;

  private:
    static void on_signal(int);

    std::atomic<bool> wanted_{false};  ///< set by the signal handler, cleared by take()
    FileDescriptor event_;             ///< eventfd that wakes who waits
};

}  // namespace l2echo::process
