// What can be said to a running echo: one command a line, one JSON object a line as the answer.
#pragma once

#include <string>
#include <string_view>

#include "l2echo/echo/arming.hpp"

namespace l2echo::operations {

/// status | arm [TIME] | disarm | trace N | help. No line break in or out; never throws on what is wrong with
/// the command: that is the answer's "error".
std::string run_control_command(std::string_view line, echo::Session& session);

}  // namespace l2echo::operations
