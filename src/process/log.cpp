#include "l2echo/process/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "l2echo/process/output.hpp"

namespace l2echo::process {
namespace {

constexpr std::array<std::string_view, 8> kSeverityNames{"emergency", "alert",  "critical", "error",
                                                         "warning",   "notice", "info",     "debug"};

/// A longer line is written in parts.
constexpr std::size_t kMaxLine = 16384;

struct Parts {
    std::string_view source;
    std::optional<Severity> severity;
    std::string_view message;
};

/// Removes a word and the ": " after it from the beginning of `text`, and returns the word; empty if there is
/// none.
std::string_view take_word(std::string_view& text) {
    const auto is_part = [](char letter) {
        return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
    };
    const auto length = static_cast<std::size_t>(std::ranges::find_if_not(text, is_part) - text.begin());
    if (length == 0 || !text.substr(length).starts_with(": "))
        return {};
    const std::string_view word = text.substr(0, length);
    text.remove_prefix(length + 2);
    return word;
}

/// "EAL: text", "L2ECHO: warning: text", "l2_probe: error: text".
Parts take_apart(std::string_view line) {
    Parts parts{.source = take_word(line), .severity = {}, .message = line};
    for (const auto& [word, severity] :
         {std::pair{"warning: ", Severity::Warning}, std::pair{"error: ", Severity::Error}})
        if (parts.message.starts_with(word)) {
            parts.severity = severity;
            parts.message.remove_prefix(std::string_view(word).size());
        }
    return parts;
}

std::string format_line(std::string_view line, Severity severity, const LogStyle& style,
                        std::chrono::system_clock::time_point time) {
    const Parts parts = take_apart(line);
    const Severity own = parts.severity.value_or(severity);
    const std::string priority = style.priorities ? fmt::format("<{}>", static_cast<int>(own)) : "";
    if (style.format == LogFormat::Text)
        return fmt::format("{}{}\n", priority, line);
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
    const nlohmann::ordered_json entry{
        {"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z",
                             fmt::gmtime(static_cast<std::time_t>(microseconds / 1'000'000)),
                             microseconds % 1'000'000)},
        {"level", kSeverityNames.at(static_cast<std::size_t>(own))},
        {"source", parts.source},
        {"message", parts.message}};
    return fmt::format("{}{}\n", priority,
                       entry.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

/// The process has one log, and code without access to any object writes to it: signal-safe start-up, the
/// drivers, and the handler of last resort.
std::atomic<LogFormat> g_format{LogFormat::Text};  // written by the main thread

LogStyle style_in_force() noexcept {
    static const bool journal = is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM"));
    return {g_format.load(std::memory_order_relaxed), journal};
}

bool is_plain(const LogStyle& style) noexcept {
    return style.format == LogFormat::Text && !style.priorities;
}

}  // namespace

std::string format_log(std::string_view lines, Severity severity, const LogStyle& style,
                       std::chrono::system_clock::time_point time) {
    std::string text;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        if (end > 0)
            text += format_line(lines.substr(0, end), severity, style, time);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return text;
}

bool is_journal(int descriptor, const char* journal_stream) noexcept {
    struct stat status {};
    unsigned long long device = 0;
    unsigned long long inode = 0;
    return journal_stream != nullptr && std::sscanf(journal_stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(descriptor, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void set_log_format(LogFormat format) noexcept {
    g_format.store(format, std::memory_order_relaxed);
}

void write_log(std::string_view lines, Severity severity) noexcept {
    const LogStyle style = style_in_force();
    if (is_plain(style))
        return print_error(lines);
    try {
        print_error(format_log(lines, severity, style, std::chrono::system_clock::now()));
    } catch (...) {  // out of memory
        print_error(lines);
    }
}

void LogStream::write(std::string_view piece, Severity severity) noexcept {
    if (is_plain(style_in_force()))
        return print_error(piece);
    const std::lock_guard guard(lock_);
    try {
        line_ += piece;
    } catch (...) {  // out of memory
        return print_error(piece);
    }
    const std::size_t complete = line_.size() > kMaxLine ? line_.size() : line_.rfind('\n') + 1;
    if (complete == 0)
        return;
    write_log(std::string_view(line_).substr(0, complete), severity);
    line_.erase(0, complete);
}

}  // namespace l2echo::process
