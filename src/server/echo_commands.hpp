// The commands of a running echo: status, arm, disarm, trace.
#pragma once

#include <vector>

#include "l2echo/echo/arming.hpp"
#include "l2echo/engine/trace.hpp"
#include "l2echo/operations/command_table.hpp"

namespace l2echo::server {

/// Returns the commands. Both arguments must outlive them.
std::vector<operations::Command> echo_commands(echo::Arming& arming, engine::TraceBudget& trace_budget);

}  // namespace l2echo::server
