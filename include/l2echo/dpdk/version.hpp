// Version of l2echo and DPDK. What the sources say about DPDK's log lines, and about names and defaults of
// its drivers, holds for DPDK 22.11 to 25.11.
#pragma once

#include <string>

namespace l2echo::dpdk {

std::string own_version();  ///< "0.1.0"

/// Returns text such as "l2echo 0.1.0, DPDK 22.11.11".
std::string version_text();

}  // namespace l2echo::dpdk
