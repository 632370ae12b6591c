#include "l2echo/cli/rate.hpp"

#include <fmt/format.h>

#include <cmath>

#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

double scale_of(char prefix) {
    switch (prefix) {
        case 'k':
            return 1e3;
        case 'M':
            return 1e6;
        case 'G':
            return 1e9;
        default:
            return 1;
    }
}

}  // namespace

RateRequest parse_rate(const std::string& text, const char* option) {
    RateRequest rate;
    if (text == "max")
        return rate;
    const auto quantity = read_quantity(text);
    const double number = quantity ? quantity->number : 0;
    std::string unit(quantity ? quantity->unit : "");
    double scale = 1;
    if (unit.size() == 4) {
        scale = scale_of(unit.front());
        unit.erase(0, scale == 1 ? 0 : 1);
    }
    constexpr double kSlowest = 1e-6;  // one frame in eleven days; keeps times far from overflow
    constexpr double kFastest = 1e15;  // a thousand times the fastest links
    const bool number_is_good = number * scale >= kSlowest && std::isfinite(number * scale);
    if (number_is_good && number * scale > kFastest)
        throw process::UsageError(fmt::format("{}: {} is more than 1e15 a second", option, text));
    if (number_is_good && (unit.empty() || unit == "pps"))
        rate.frames_per_second = number * scale;
    else if (number_is_good && unit == "bps")
        rate.bits_per_second = number * scale;
    else if (number_is_good && unit == "%" && number > 100)
        throw process::UsageError(
            fmt::format("{}: {} is more than the link carries; give at most 100%", option, text));
    else if (number_is_good && unit == "%")
        rate.percent_of_link = number;
    else
        throw process::UsageError(fmt::format(
            "{}: '{}' is not a rate; give for example 1000, 1.5Mpps, 10Gbps, 50% or max", option, text));
    return rate;
}

RateRequest parse_absolute_rate(const std::string& text, const char* option) {
    const RateRequest rate = parse_rate(text, option);
    if (rate.frames_per_second + rate.bits_per_second == 0)
        throw process::UsageError(
            fmt::format("{}: give frames or bits per second, such as 1Mpps or 10Gbps", option));
    return rate;
}

std::string format_rate(const RateRequest& rate) {
    if (rate.frames_per_second > 0)
        return fmt::format("{}pps", rate.frames_per_second);
    if (rate.bits_per_second > 0)
        return fmt::format("{}bps", rate.bits_per_second);
    return rate.percent_of_link > 0 ? fmt::format("{}%", rate.percent_of_link) : "max";
}

}  // namespace l2echo::cli
