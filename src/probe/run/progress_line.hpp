// How far a run is: a line that overwrites itself on a terminal, nothing elsewhere.
#pragma once

#include <cstdint>

#include "l2echo/probe/run/sender.hpp"

namespace l2echo::probe {

struct Progress {
    std::uint64_t sent = 0;
    std::uint64_t returned = 0;
    std::uint64_t corrupted = 0;
};

/// On stderr. One thread.
class ProgressLine {
  public:
    explicit ProgressLine(const SendPlan& plan);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const Progress& progress, double elapsed_seconds);

  private:
    const SendPlan& plan_;
    bool shown_;
    bool printed_ = false;
    std::uint64_t last_sent_ = 0;
    double last_seconds_ = 0;
};

}  // namespace l2echo::probe
