// Times in options.
#pragma once

#include <chrono>
#include <string>

namespace l2echo::cli {

/// Parses a time such as "3", "3s", "500ms" or "2min". Throws UsageError with `what` in the message.
double parse_seconds(const std::string& text, const char* what);

/// Rounds up, so that a very short time does not become 0.
std::chrono::milliseconds to_milliseconds(double seconds);

}  // namespace l2echo::cli
