// The entry point shared by all programs: it turns errors into one line on stderr and an exit status.
#pragma once

#include <functional>
#include <string>

namespace l2echo::process {

/// Exit statuses of all programs.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

/// Runs `body` with the program's name; turns exceptions into a line on stderr and an exit status.
int run_program(const char* argv0, const std::function<void(const std::string& program)>& body) noexcept;

}  // namespace l2echo::process
