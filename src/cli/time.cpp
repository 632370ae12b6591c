#include "l2echo/cli/time.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

constexpr double kMaxTime = 1e9;  // seconds; three decades

constexpr std::array<std::pair<std::string_view, double>, 6> kUnits{
    {{"", 1}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60}, {"h", 3600}}};

}  // namespace

double parse_seconds(const std::string& text, const char* what) {
    if (const auto quantity = read_quantity(text))
        for (const auto& [unit, scale] : kUnits)
            if (unit == quantity->unit && quantity->number * scale <= kMaxTime)
                return quantity->number * scale;
    throw process::UsageError(fmt::format("{}: '{}' is not a time like 3, 3s, 500ms or 2min", what, text));
}

std::chrono::milliseconds to_milliseconds(double seconds) {
    return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>(seconds));
}

}  // namespace l2echo::cli
