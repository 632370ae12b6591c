#include "probe/run/progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "l2echo/process/output.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo::probe {

ProgressLine::ProgressLine(const SendPlan& plan) : plan_(plan), shown_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (printed_)
        process::print_error("\n");
}

void ProgressLine::show(const Progress& progress, double elapsed_seconds) {
    if (!shown_)
        return;
    const double done = std::max(static_cast<double>(progress.sent) / static_cast<double>(plan_.frames),
                                 elapsed_seconds / plan_.seconds);
    const double remaining = done > 0 ? elapsed_seconds * (1 - std::min(done, 1.0)) / done : 0;
    const double rate = static_cast<double>(progress.sent - last_sent_) / (elapsed_seconds - last_seconds_);
    process::print_error(
        fmt::format("\r{:.0f} s, about {:.0f} s left: sent {} ({}), returned {}, corrupted {}   ",
                    elapsed_seconds, remaining, progress.sent, report::format_scaled(rate, "frames/s"),
                    progress.returned, progress.corrupted));
    printed_ = true;
    last_sent_ = progress.sent;
    last_seconds_ = elapsed_seconds;
}

}  // namespace l2echo::probe
