// Captures warnings and errors of EAL and its drivers during start-up: they return only a number and log the
// reason.
#pragma once

#include <string>

namespace l2echo::dpdk {

/// Keeps the warnings and errors that DPDK logs during its lifetime. One at a time. The whole log is written
/// to the log of the process, from the first capture until the process ends: left alone, DPDK before 24.11
/// writes each line to stderr and to syslog, and a service would have it twice in its journal.
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
