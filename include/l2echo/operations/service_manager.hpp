// Reports the program's state to the service manager, as sd_notify(3) describes it: ready, reloading,
// stopping, a line of status, and that it is alive.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::operations {

/// Does nothing if no service manager started the program (NOTIFY_SOCKET). Never waits for it. Written
/// without libsystemd, whose sd_notify() waits for a manager that does not read. Callable from any thread.
class ServiceManager {
  public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Logs a warning if the socket cannot be used.
    ServiceManager();

    /// The start takes up to this time from now on (`EXTEND_TIMEOUT_USEC`).
    void starting(std::string_view status, std::chrono::milliseconds limit);
    void ready(std::string_view status);
    void status(std::string_view status);
    /// Follow it by ready().
    void reloading();
    void stopping();
    void alive();

    /// The manager restarts the program if alive() is not called for this time; empty: it does not watch.
    std::optional<std::chrono::microseconds> watchdog_timeout() const noexcept { return watchdog_timeout_; }

    /// Sends what the manager did not accept when it was due. Call it from time to time.
    void send_pending();

  private:
    /// A message that the manager must get is kept until it accepts it.
    enum class Kind { State, Passing };

    void send(const std::string& message, Kind kind);
    bool try_to_send(const std::string& message);

    process::FileDescriptor socket_;  ///< connected; invalid: no manager
    std::optional<std::chrono::microseconds> watchdog_timeout_;
    std::mutex lock_;
    std::string pending_;
    bool warned_ = false;
};

}  // namespace l2echo::operations
