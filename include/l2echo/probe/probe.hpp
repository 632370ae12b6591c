// The composition root of l2_probe. Objects are constructed in start-up order and destroyed in shutdown
// order.
#pragma once

#include <string>

#include "l2echo/probe/probe_options.hpp"

namespace l2echo::probe {

/// Starts EAL and the port, sends frames, checks them, and prints the result to stdout. Throws StartupError
/// or UsageError, and std::runtime_error if a gate is not met or the run is not complete. Called once, by
/// main().
void run_probe(const std::string& program, const ProbeOptions& options);

}  // namespace l2echo::probe
