// The report for people.
#pragma once

#include <string>

#include "l2echo/report/report.hpp"

namespace l2echo::report {

/// Several lines, each ended by a line break. The final report adds refusals by reason, ports, queues and
/// hints.
std::string render_table(const Report& report);

/// "received 4 = echoed 3 + answered 0 + refused 1 + dropped 0"
std::string describe_balance(const verdict::FrameCounts& counts);

/// Three digits and a unit: 14.9 M, 1.49 k, 0.
std::string format_scaled(double value);
/// With what is counted: 14.9 Mframes/s, 999 frames/s.
std::string format_scaled(double value, const char* unit);

}  // namespace l2echo::report
