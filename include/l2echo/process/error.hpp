// Start-up failures: thrown anywhere before the workers run, caught once in run_program(), where each becomes
// one line on stderr and an exit status. What fails after that (a report that cannot be written, a gate that
// is not kept) is a std::runtime_error and ends the same way with status 1. The data path throws nothing and
// counts.
#pragma once

#include <stdexcept>

namespace l2echo::process {

/// Exit status 1. The message says what failed, where, why, and what to type or change.
class StartupError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Exit status 2: an option, its value, or the configuration file is wrong.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace l2echo::process
