// Progress of a run: a line that overwrites itself on a terminal; elsewhere printed only on request.
#pragma once

#include <cstdint>
#include <string>

#include "l2echo/probe/run/sender.hpp"

namespace l2echo::probe {

struct Progress {
    std::uint64_t sent = 0;
    std::uint64_t returned = 0;
    std::uint64_t corrupted = 0;
};

/// Writes to stderr. Used by one thread.
class ProgressLine {
  public:
    explicit ProgressLine(const SendPlan& plan);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    /// Updates the line, on a terminal only.
    void show(const Progress& progress, double elapsed_seconds);
    /// Prints a permanent line, on a terminal or not.
    void print(const Progress& progress, double elapsed_seconds);

  private:
    std::string describe(const Progress& progress, double elapsed_seconds);

    const SendPlan& plan_;
    bool on_terminal_;
    bool unfinished_ = false;  ///< the current line will be overwritten
    std::uint64_t last_sent_ = 0;
    double last_seconds_ = 0;
};

}  // namespace l2echo::probe
