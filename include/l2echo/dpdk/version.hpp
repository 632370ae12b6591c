// Which l2echo on which DPDK this is.
#pragma once

#include <string>

namespace l2echo::dpdk {

/// "l2echo 0.1.0, DPDK 22.11.11"
std::string version_text();

}  // namespace l2echo::dpdk
