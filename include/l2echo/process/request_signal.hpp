// Signals that request something of the running program: SIGUSR1 a report, SIGHUP a reload.
#pragma once

#include <atomic>
#include <csignal>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {

/// During its lifetime, the signal is a request; afterwards it is ignored. One per process and signal.
class RequestSignal {
  public:
    explicit RequestSignal(int signal);
    ~RequestSignal();
    RequestSignal(const RequestSignal&) = delete;
    RequestSignal& operator=(const RequestSignal&) = delete;

    /// True if the signal arrived since the last call. Cheap enough for a polling loop.
    bool take() noexcept {
        return wanted_.load(std::memory_order_relaxed) && wanted_.exchange(false, std::memory_order_relaxed);
    }

    /// Descriptor to poll() for input; once readable, take() may return true.
    int descriptor() const noexcept { return event_.get(); }
    /// Clears the descriptor's readability. Call before take().
    void acknowledge() noexcept;

  private:
    static void on_signal(int signal);

    int signal_;
    std::atomic<bool> wanted_{false};  ///< set by the signal handler, cleared by take()
    FileDescriptor event_;             ///< eventfd that wakes the waiting thread
};

/// SIGUSR1 requests an immediate report.
struct ReportSignal : RequestSignal {
    ReportSignal() : RequestSignal(SIGUSR1) {}
};

/// SIGHUP requests that the file of options is read again. Only for a process without a controlling terminal
/// (StopSignal::has_terminal()), to which a hang-up means nothing else.
struct ReloadSignal : RequestSignal {
    ReloadSignal() : RequestSignal(SIGHUP) {}
};

}  // namespace l2echo::process
