// The report for programs: one JSON object on one line.
#pragma once

#include <string>
#include <string_view>

#include "l2echo/report/report.hpp"

namespace l2echo::report {

/// Changes when a key changes its meaning or goes; new keys may come without.
inline constexpr std::string_view kReportSchema = "l2echo.report/1";

/// No line break at the end. Counts are integers since start, rates are over "interval_seconds".
std::string render_json(const Report& report);

}  // namespace l2echo::report
