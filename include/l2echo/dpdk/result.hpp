// Return codes of DPDK calls.
#pragma once

#include <string>

namespace l2echo::dpdk {

/// The text for a DPDK return code, which is a negative errno value.
std::string reason_of(int dpdk_result);

/// Throws StartupError("<what>: <reason>") when a DPDK call returned a negative errno value.
void throw_if_failed(int dpdk_result, const std::string& what);

}  // namespace l2echo::dpdk
