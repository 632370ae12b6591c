// Start-up failures: thrown anywhere before the workers run and caught once in run_program(), which turns
// each into one line on stderr and an exit status. Later failures (a report that cannot be written, a pass
// limit that is not met) are a std::runtime_error and also end the program with a line and status 1. The data
// path throws nothing: it counts.
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
