// The environment of a measurement.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/probe/probe_options.hpp"

namespace l2echo::probe {

/// Returns the properties of the machine and the port that a reader needs to interpret a result, as names and
/// values.
std::vector<std::pair<std::string, std::string>> describe_environment(const dpdk::Port& port,
                                                                      const ProbeOptions& options);

}  // namespace l2echo::probe
