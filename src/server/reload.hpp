// Reads the file of options again and applies it to the running echo.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "l2echo/server/options.hpp"

namespace l2echo::server {

/// Used by one thread, except where it says otherwise.
class Reload {
  public:
    /// `line` is the command line in force. `apply` gets new options, and applies those that reload, as a
    /// whole.
    Reload(CommandLine line, std::function<void(const Options&)> apply);

    /// Returns the names of the options that changed. Throws UsageError if there is no file, if it is not
    /// valid, or if it changes an option that needs a restart; then nothing changed.
    std::vector<std::string> run();

    /// Returns false if the last reload failed: the file is not what is in force. Any thread.
    bool last_succeeded() const noexcept { return succeeded_.load(std::memory_order_relaxed); }
    /// Returns when the options in force were read: at the start or at the last reload that succeeded. Any
    /// thread.
    std::chrono::system_clock::time_point last_success() const noexcept {
        return last_success_.load(std::memory_order_relaxed);
    }

  private:
    std::vector<std::string> read_and_apply(const std::string& path);

    CommandLine line_;
    std::function<void(const Options&)> apply_;
    // Written by the thread that reloads.
    std::atomic<bool> succeeded_{true};
    std::atomic<std::chrono::system_clock::time_point> last_success_;
};

}  // namespace l2echo::server
