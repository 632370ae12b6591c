// The composition root: start reading here. Construction order is start-up order, the closing brace is
// shutdown.
#pragma once

#include <string>

#include "l2echo/server/options.hpp"

namespace l2echo::server {

/// Starts EAL, ports and workers as asked, reports until stopped, and takes all down again.
/// Throws StartupError or UsageError. Called once, by main().
void serve_echo(const std::string& program, const Options& options);

}  // namespace l2echo::server
