// The composition root: start reading here. Objects are constructed in start-up order and destroyed in
// shutdown order.
#pragma once

#include <string>

#include "l2echo/server/options.hpp"

namespace l2echo::server {

/// Starts EAL, ports and workers according to the options, reports until stopped, and shuts everything down.
/// Throws StartupError or UsageError, or std::runtime_error if a port was removed. Called once, by main().
void serve_echo(const std::string& program, const CommandLine& line);

}  // namespace l2echo::server
