#include "l2echo/cli/number.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "l2echo/process/error.hpp"

namespace l2echo::cli {

std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max) {
    const int base = text.starts_with("0x") ? 16 : 10;
    text.remove_prefix(base == 16 ? 2 : 0);
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    const bool valid = error == std::errc{} && rest == text.data() + text.size() && number <= max;
    return valid ? std::optional(number) : std::nullopt;
}

std::uint64_t parse_number(const std::string& text, const char* option, const NumberRange& range) {
    const auto number = read_number(text, range.max);
    if (number && *number >= range.min)
        return *number;
    const std::string limits = range.any() ? "" : fmt::format(" from {} to {}", range.min, range.max);
    throw process::UsageError(fmt::format("{}: '{}' is not a number{}", option, text, limits));
}

std::optional<Quantity> read_quantity(std::string_view text) {
    if (text.empty() || text.front() < '0' || text.front() > '9')
        return std::nullopt;  // rejects signs, "inf" and "nan"
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || !std::isfinite(number))
        return std::nullopt;
    return Quantity{number, {rest, end}};
}

}  // namespace l2echo::cli
