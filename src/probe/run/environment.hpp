// Where a result was measured.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/probe/probe_options.hpp"

namespace l2echo::probe {

/// What a reader of a result must know of the machine and the port that it comes from: names and values.
std::vector<std::pair<std::string, std::string>> describe_environment(const dpdk::Port& port,
                                                                      const ProbeOptions& options);

}  // namespace l2echo::probe
