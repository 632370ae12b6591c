// Numbers in options, files and commands; parsed only here.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace l2echo::cli {

/// An inclusive range.
struct NumberRange {
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::string unit{};

    bool any() const noexcept { return min == 0 && max == std::numeric_limits<std::uint64_t>::max(); }
};

/// Parses the whole text as a number from 0 to `max`: decimal digits, or hexadecimal digits after 0x; leading
/// zeros have no effect. Empty for anything else: a sign, a space, a fraction, a number above `max`.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max);

/// Like read_number(), but throws UsageError with `option`, the text and the range.
std::uint64_t parse_number(const std::string& text, const char* option, const NumberRange& range = {});

/// A non-negative number and its unit, as in times and rates.
struct Quantity {
    double number = 0;  ///< finite
    std::string_view unit;
};

/// Parses digits, optionally with a decimal point or an exponent, followed directly by the unit. Empty if the
/// text does not begin with such a number.
std::optional<Quantity> read_quantity(std::string_view text);

}  // namespace l2echo::cli
