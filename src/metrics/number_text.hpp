// Numbers in the exposition formats.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace l2echo::metrics {

/// Returns the shortest text that reads back as the same number. Infinities and NaN are spelled as both
/// formats require; whole numbers keep ".0", as OpenMetrics requires of the bounds of buckets.
inline std::string number_text(double value) {
    if (std::isnan(value))
        return "NaN";
    if (std::isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    std::string text = fmt::format("{}", value);
    if (text.find_first_of(".e") == std::string::npos)
        text += ".0";
    return text;
}

}  // namespace l2echo::metrics
