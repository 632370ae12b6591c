// The machine-readable report: one JSON object on one line.
#pragma once

#include <string>
#include <string_view>

#include "l2echo/report/report.hpp"

namespace l2echo::report {

/// Changes when the meaning of a key changes or a key is removed. New keys do not change it.
inline constexpr std::string_view kReportSchema = "l2echo.report/1";

/// Renders the report without a final line break. Counts are integers since start; rates cover
/// "interval_seconds".
std::string render_json(const Report& report);

}  // namespace l2echo::report
