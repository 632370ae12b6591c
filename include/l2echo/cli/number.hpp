// Numbers as options, files and commands take them: read here and nowhere else.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace l2echo::cli {

/// Both ends included.
struct NumberRange {
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::string unit{};

    bool any() const noexcept { return min == 0 && max == std::numeric_limits<std::uint64_t>::max(); }
};

/// The whole text as a number from 0 to `max`: decimal digits, or hexadecimal ones behind 0x; a leading zero
/// changes nothing. None when it is something else: a sign, a space, a fraction, a number above `max`.
std::optional<std::uint64_t> read_number(std::string_view text, std::uint64_t max);

/// The same. Throws UsageError, which names `option`, the text and the range.
std::uint64_t parse_number(const std::string& text, const char* option, const NumberRange& range = {});

/// What times and rates are: a number that is not negative, and what follows it.
struct Quantity {
    double number = 0;  ///< finite
    std::string_view unit;
};

/// Digits, with a point or an exponent if need be, and the unit behind them without a space. None when the
/// text does not begin with such a number.
std::optional<Quantity> read_quantity(std::string_view text);

}  // namespace l2echo::cli
