// The composition root of l2_probe. Construction order is start-up order, the closing brace is shutdown.
#pragma once

#include <string>

#include "l2echo/probe/probe_options.hpp"

namespace l2echo::probe {

/// Starts EAL and the port, sends, checks, prints the result to stdout. Throws StartupError or UsageError,
/// and std::runtime_error when a gate is not kept. Called once, by main().
void run_probe(const std::string& program, const ProbeOptions& options);

}  // namespace l2echo::probe
