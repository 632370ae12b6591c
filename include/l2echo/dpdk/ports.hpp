// All ports of a program.
#pragma once

#include <deque>

#include "l2echo/dpdk/port.hpp"

namespace l2echo::dpdk {

/// In the order of their indices in reports. A deque, because a port is not moved once it runs: its address
/// is known to DPDK's callbacks.
using Ports = std::deque<Port>;

}  // namespace l2echo::dpdk
