// All ports of a program.
#pragma once

#include <deque>

#include "l2echo/dpdk/port.hpp"

namespace l2echo::dpdk {

/// In the order of their indices in reports. A deque, because a running port must not move: DPDK's callbacks
/// hold its address.
using Ports = std::deque<Port>;

}  // namespace l2echo::dpdk
