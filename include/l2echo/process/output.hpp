// Output of the programs to stdout and stderr. Only DPDK's log and EAL's usage text bypass it.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace l2echo::process {

/// Longest time that the reader of a result may stall. Stopping a container leaves 10 s between SIGTERM and
/// SIGKILL.
inline constexpr std::chrono::seconds kReaderPause{5};

/// Opens /dev/null for those of descriptors 0, 1 and 2 that are closed, so that no port or file gets such a
/// number and is written to by mistake. Writes to a stdout that was closed still fail. Reopens terminals and
/// pipes, so that a stalled reader does not block our writes, while other processes keep the mode that they
/// expect. This includes stderr of the C library, to which DPDK logs. Call it before anything else is opened.
void prepare_standard_descriptors() noexcept;

/// Writes all of `text`, or as much as the reader accepts before it stalls for longer than `pause`. Removes
/// from `text` what was written. Returns 0, ETIMEDOUT after such a stall, or the errno value of the write
/// that failed. Signals do not interrupt it. Callable from any thread.
int write_some(int descriptor, std::string_view& text, std::chrono::milliseconds pause) noexcept;

/// Calls write_some() with kReaderPause; for results.
int write_all(int descriptor, std::string_view text) noexcept;

/// Returns message text for an errno value of these functions.
std::string describe_write_error(int error);

/// Writes a result to stdout. Throws std::runtime_error with the reason if it cannot be written.
void print(std::string_view text);

/// Same, for text that nobody has to read to its end, such as help. If the reader has closed its end of the
/// pipe, the process ends silently by SIGPIPE, as other programs do.
void print_text(std::string_view text);

/// Writes to stderr. Failures are ignored because there is nowhere left to report them. Waits one second for
/// a stalled reader, and does not wait again until the reader is back. Callable from any thread.
void print_error(std::string_view text) noexcept;

/// Writes reports to stdout while frames flow. It never waits: if the reader is stalled, the whole report is
/// dropped; a truncated report is completed before the next one. Used by one thread.
class ReportOutput {
  public:
    /// Returns 0, EAGAIN if the reader is stalled, or the errno value of the write that failed.
    int write(std::string_view report);
    /// Returns true if the last report was dropped. One that has begun is not: its rest follows.
    bool dropped_last() const noexcept { return dropped_last_; }

    /// Prints the last report, preceded by the rest of a truncated one.
    void finish(std::string_view report);

  private:
    std::string unsent_;
    bool dropped_last_ = false;
};

}  // namespace l2echo::process
