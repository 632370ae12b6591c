// Traffic that a given port can send.
#pragma once

#include <string>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/probe/probe_options.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

/// Creates the traffic for this port. `sizes` is one element of options.sizes. Throws UsageError if frames
/// are longer than the port supports, or if its driver would change their tags.
Traffic make_traffic(const ProbeOptions& options, const std::string& sizes, const dpdk::Port& port);

}  // namespace l2echo::probe
