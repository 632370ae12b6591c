// Times as options take them.
#pragma once

#include <chrono>
#include <string>

namespace l2echo::cli {

/// "3", "3s", "500ms", "2min", as the options take it. Throws UsageError, in which it names `what`.
double parse_seconds(const std::string& text, const char* what);

/// Rounded up, so that a very short time does not become 0.
std::chrono::milliseconds to_milliseconds(double seconds);

}  // namespace l2echo::cli
