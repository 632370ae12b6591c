// Traffic that a port can send.
#pragma once

#include <string>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/probe/probe_options.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

/// Frames of these sizes (of the options), from this port. Throws UsageError when they are longer than it
/// takes.
Traffic make_traffic(const ProbeOptions& options, const std::string& sizes, const dpdk::Port& port);

}  // namespace l2echo::probe
