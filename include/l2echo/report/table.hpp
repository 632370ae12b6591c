// The human-readable report.
#pragma once

#include <cstdint>
#include <string>

#include "l2echo/report/report.hpp"

namespace l2echo::report {

/// Renders several lines, each with a line break. The final report adds the balance, refusals by reason and
/// hints.
std::string render_table(const Report& report);

/// Returns one line for a service manager: "received 1.49 Mframes/s, echoed 1.49 Mframes/s, 2 of 2 links up".
std::string describe_in_one_line(const Report& report);

/// Returns text such as "received 4 = echoed 3 + answered 0 + refused 1 + dropped 0".
std::string describe_balance(const verdict::FrameCounts& counts);

/// Formats with three digits and a unit prefix: 14.9 M, 1.49 k, 0.
std::string format_scaled(double value);
/// Same, with a unit: 14.9 Mframes/s, 999 frames/s.
std::string format_scaled(double value, const char* unit);

/// Formats a number of things whose plural ends in s: 1 change, 2 changes.
std::string format_count(std::uint64_t count, const char* thing);

}  // namespace l2echo::report
