// Reads the file of options again and applies it to the running echo.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "l2echo/server/options.hpp"

namespace l2echo::server {

/// Used by one thread.
class Reload {
  public:
    /// `line` is the command line in force. `apply` gets new options, and applies those that reload, as a
    /// whole.
    Reload(CommandLine line, std::function<void(const Options&)> apply);

    /// Returns the names of the options that changed. Throws UsageError if there is no file, if it is not
    /// valid, or if it changes an option that needs a restart; then nothing changed.
    std::vector<std::string> run();

  private:
    CommandLine line_;
    std::function<void(const Options&)> apply_;
};

}  // namespace l2echo::server
