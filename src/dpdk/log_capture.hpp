// Captures warnings and errors of EAL and its drivers during start-up: they return only a number and log the
// reason.
#pragma once

#include <string>

namespace l2echo::dpdk {

/// Keeps the warnings and errors that DPDK logs during its lifetime. The whole log is still written to
/// stderr. Before 24.11, DPDK also writes to syslog, but not during the capture. One at a time.
class LogCapture {
  public:
    LogCapture();
    ~LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;

    /// Returns the captured lines; only the last ones of a long log.
    std::string text() const;
};

}  // namespace l2echo::dpdk
