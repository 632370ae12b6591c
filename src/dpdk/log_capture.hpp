// What EAL and its drivers complain about while something starts: they return a number, and tell why in their
// log.
#pragma once

#include <string>

namespace l2echo::dpdk {

/// Keeps the warnings and errors that DPDK logs while it lives. All of the log still goes to stderr; to
/// syslog, where DPDK writes too before 24.11, goes what comes after. One at a time.
class LogCapture {
  public:
    LogCapture();
    ~LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;

    /// Lines; of a long log the last ones.
    std::string text() const;
};

}  // namespace l2echo::dpdk
