// Option values: each function here binds an option to a variable. The variable's initial value is the
// option's default. Invalid text throws UsageError with the name of the option.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "l2echo/cli/number.hpp"

namespace l2echo::cli {

/// Parses one value. `option` is the name for the message of a UsageError.
using ReadText = std::function<void(const std::string& text, const char* option)>;

/// The placeholder of a number.
inline constexpr std::string_view kNumberType = "N";

struct OptionValue {
    enum class Form {
        Flag,      ///< no value: given or not
        One,       ///< one value
        List,      ///< any number of values, separated by commas
        Repeated,  ///< the option is given once per value, which may contain commas
    };
    Form form = Form::One;
    std::string type{};          ///< the placeholder of the value in --help: "N", "on|off", "TIME"
    std::string range{};         ///< range of a number: "1..512"; empty: any
    std::string unit{};          ///< unit of a number: "frames"
    std::string default_text{};  ///< in the option's syntax; empty: no default
    ReadText read{};             ///< called for each given value
};

/// A flag: false unless given; in a file `true` or `false`.
OptionValue flag(bool& value);

OptionValue text(std::string& value, std::string type);
OptionValue text(std::optional<std::string>& value, std::string type);

OptionValue list(std::vector<std::string>& values);
OptionValue list(ReadText read);

OptionValue repeated(std::vector<std::string>& values, std::string type);
OptionValue repeated(ReadText read, std::string type);

/// Converts text with `parse(text, option)`, and the default to text with `print(value)`.
template <typename T, typename Parse, typename Print>
// `type` is moved, which clang-tidy 14 misses. NOLINTNEXTLINE(performance-unnecessary-value-param)
OptionValue converted(T& value, std::string type, Parse parse, Print print) {
    return {.type = std::move(type),
            .default_text = print(value),
            .read = [&value, parse](const std::string& text, const char* option) {
                value = parse(text, option);
            }};
}

/// Same, without a default.
template <typename T, typename Parse>
OptionValue converted(T& value, std::string type, Parse parse) {
    return converted(value, std::move(type), parse, [](const T&) { return std::string(); });
}

/// Type-independent part of number().
OptionValue number_in(const NumberRange& range, std::string default_text,
                      std::function<void(std::uint64_t)> assign);

template <std::unsigned_integral T>
OptionValue number(T& value, NumberRange range = {}) {
    range.max = std::min<std::uint64_t>(range.max, std::numeric_limits<T>::max());
    return number_in(range, std::to_string(value),
                     [&value](std::uint64_t number) { value = static_cast<T>(number); });
}

template <std::unsigned_integral T>
OptionValue number(std::optional<T>& value, NumberRange range = {}) {
    range.max = std::min<std::uint64_t>(range.max, std::numeric_limits<T>::max());
    return number_in(range, "", [&value](std::uint64_t number) { value = static_cast<T>(number); });
}

/// Type-independent part of choice(): `initial` and the argument of `assign` are indices into `names`.
OptionValue choice_of(std::vector<std::string> names, std::size_t initial,
                      std::function<void(std::size_t)> assign);

/// One of the named values. The variable's initial value must be one of them.
template <typename T>
OptionValue choice(T& value, const std::vector<std::pair<std::string, std::type_identity_t<T>>>& choices) {
    std::vector<std::string> names;
    std::size_t initial = 0;
    for (const auto& [name, meaning] : choices) {
        if (meaning == value)
            initial = names.size();
        names.push_back(name);
    }
    return choice_of(names, initial,
                     [&value, choices](std::size_t chosen) { value = choices.at(chosen).second; });
}

/// One of the enumerators. The names must be in the order of the enumerators' values.
template <typename T, std::size_t kCount>
requires std::is_enum_v<T> OptionValue choice(T& value, const std::array<std::string_view, kCount>& names) {
    return choice_of({names.begin(), names.end()}, static_cast<std::size_t>(value),
                     [&value](std::size_t chosen) { value = static_cast<T>(chosen); });
}

/// A setting that is on by default. Use flag() for one that is off by default.
OptionValue on_off(bool& value);

/// Times in the syntax of parse_seconds().
OptionValue time(double& seconds);
OptionValue time(std::optional<double>& seconds);
OptionValue time(std::chrono::milliseconds& value);
OptionValue time(std::optional<std::chrono::milliseconds>& value);

}  // namespace l2echo::cli
