// The log on stderr: as text, as JSON lines, or with the priorities of the systemd journal.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace l2echo::process {

/// Severities of RFC 5424, section 6.2.1; the journal's priorities are the same numbers.
enum class Severity : std::uint8_t { Emergency, Alert, Critical, Error, Warning, Notice, Info, Debug };

enum class LogFormat : std::uint8_t { Text, Json };

/// Names as in options, indexed by LogFormat.
inline constexpr std::array<std::string_view, 2> kLogFormatNames{"text", "json"};

struct LogStyle {
    LogFormat format = LogFormat::Text;
    /// Begin each line with "<N>", which the journal removes and stores as the priority (sd-daemon(3)).
    bool priorities = false;
};

/// Returns complete lines in that style. `lines` ends with a line break. Severity and source of a line are
/// taken from its beginning if it has one, such as "EAL: " or "l2_probe: error: "; the severity is otherwise
/// `severity`. JSON keys: time (UTC, RFC 3339), level, source, message.
std::string format_log(std::string_view lines, Severity severity, const LogStyle& style,
                       std::chrono::system_clock::time_point time);

/// True if the journal reads the descriptor: `journal_stream` is the environment's JOURNAL_STREAM
/// (systemd.exec(5)), device and inode of the journal's socket; may be null.
bool is_journal(int descriptor, const char* journal_stream) noexcept;

/// Chooses the format of the log, once. The priorities are added by themselves if stderr is the journal.
/// Until the first call the format is text.
void set_log_format(LogFormat format) noexcept;

/// Writes log text to stderr. Callable from any thread; waits no longer than print_error().
void write_log(std::string_view lines, Severity severity) noexcept;

/// Collects pieces of text until a line is complete, for streams whose writers do not write whole lines.
/// Callable from any thread.
class LogStream {
  public:
    /// Writes the lines that the piece completes.
    void write(std::string_view piece, Severity severity) noexcept;

  private:
    std::mutex lock_;
    std::string line_;  ///< without a line break yet
};

}  // namespace l2echo::process
