// What the programs write to stdout and stderr. Nothing else writes there but DPDK's log and EAL's usage.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace l2echo::process {

/// How long the reader of a result may pause. A container's stop leaves 10 s between SIGTERM and SIGKILL.
inline constexpr std::chrono::seconds kReaderPause{5};

/// Opens /dev/null for those of descriptors 0, 1 and 2 that are closed, so that no port and no file gets such
/// a number and is written to by mistake. What goes to a stdout that was closed still fails. Terminals and
/// pipes are opened anew, so that a reader that stalls blocks no write of ours while other processes keep
/// the mode that they expect; this also holds for stderr of the C library, to which DPDK logs. Before
/// anything else is opened.
void prepare_standard_descriptors() noexcept;

/// Writes all of `text`, or as much as the reader takes before it pauses for longer than `pause`. Removes
/// from `text` what was written. Returns 0, ETIMEDOUT after such a pause, or the errno value of the write
/// that failed. A signal does not cut it short. Any thread.
int write_some(int descriptor, std::string_view& text, std::chrono::milliseconds pause) noexcept;

/// write_some() for a result, with kReaderPause.
int write_all(int descriptor, std::string_view text) noexcept;

/// What an errno value of these functions means, for a message.
std::string describe_write_error(int error);

/// A result, to stdout. Throws std::runtime_error, which says why it could not be written.
void print(std::string_view text);

/// To stderr. There is nobody left to tell that it failed. Waits for a second for a reader that stalls, and
/// not again until the reader is back. Any thread.
void print_error(std::string_view text) noexcept;

/// A stream of reports on stdout while frames flow. It never waits: a report that finds the reader stalled is
/// dropped as a whole, and one that was cut short is completed before the next. One thread.
class ReportOutput {
  public:
    /// Returns 0, EAGAIN if the report was dropped, or the errno value of the write that failed.
    int write(std::string_view report);

    /// Prints the last report, and before it the rest of the one that was cut short.
    void finish(std::string_view report);

  private:
    std::string unsent_;
};

}  // namespace l2echo::process
