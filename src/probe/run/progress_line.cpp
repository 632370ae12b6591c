#include "probe/run/progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "l2echo/process/log.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/report/table.hpp"

namespace l2echo::probe {

ProgressLine::ProgressLine(const SendPlan& plan) : plan_(plan), on_terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (unfinished_)
        process::print_error("\n");
}

void ProgressLine::show(const Progress& progress, double elapsed_seconds) {
    if (!on_terminal_)
        return;
    process::print_error("\r" + describe(progress, elapsed_seconds) + "   ");
    unfinished_ = true;
}

void ProgressLine::print(const Progress& progress, double elapsed_seconds) {
    if (unfinished_)
        process::print_error("\n");
    unfinished_ = false;
    process::write_log(describe(progress, elapsed_seconds) + "\n", process::Severity::Info);
}

std::string ProgressLine::describe(const Progress& progress, double elapsed_seconds) {
    const double done = std::max(static_cast<double>(progress.sent) / static_cast<double>(plan_.frames),
                                 elapsed_seconds / plan_.seconds);
    const double remaining = done > 0 ? elapsed_seconds * (1 - std::min(done, 1.0)) / done : 0;
    const double rate = static_cast<double>(progress.sent - last_sent_) / (elapsed_seconds - last_seconds_);
    last_sent_ = progress.sent;
    last_seconds_ = elapsed_seconds;
    return fmt::format("{:.0f} s, about {:.0f} s left: sent {} ({}), returned {}, corrupted {}",
                       elapsed_seconds, remaining, progress.sent, report::format_scaled(rate, "frames/s"),
                       progress.returned, progress.corrupted);
}

}  // namespace l2echo::probe
