// Return codes of DPDK calls.
#pragma once

#include <string>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {

/// A DPDK call that returned a negative errno value. The driver may have logged details.
class CallFailed : public process::StartupError {
  public:
    CallFailed(const std::string& call, int dpdk_result);

    const std::string& call() const noexcept { return call_; }
    int result() const noexcept { return result_; }

  private:
    std::string call_;
    int result_;
};

/// Returns the text for a DPDK return code, a negative errno value. The text for -1 also covers "failed",
/// because many drivers return -1 for any failure.
std::string reason_of(int dpdk_result);

/// Throws CallFailed("<what>: <reason>") if a DPDK call returned a negative errno value.
void throw_if_failed(int dpdk_result, const std::string& what);

}  // namespace l2echo::dpdk
