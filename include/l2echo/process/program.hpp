// The frame around every program: arguments in, exit status out, and one line on stderr when something
// failed.
#pragma once

#include <functional>
#include <string>

namespace l2echo::process {

/// Exit statuses of all programs.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

/// Runs `body` with the program's name; turns what it throws into a line on stderr and the exit status.
int run_program(const char* argv0, const std::function<void(const std::string& program)>& body) noexcept;

}  // namespace l2echo::process
