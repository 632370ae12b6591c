// What options take: each function here ties an option to a variable. The variable's initial value is the
// option's default, and text that is no value throws UsageError, which names the option.
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

/// `option` is the name for the message of a UsageError.
using ReadText = std::function<void(const std::string& text, const char* option)>;

struct OptionValue {
    enum class Form {
        Flag,      ///< nothing behind the name: given or not
        One,       ///< one value
        List,      ///< any number of values with commas between them
        Repeated,  ///< the option is given once for each value, which may have commas
    };
    Form form = Form::One;
    std::string type{};          ///< the placeholder of the value in --help: "N", "on|off", "TIME"
    std::string range{};         ///< of a number: "1..512"; empty: any
    std::string unit{};          ///< of a number: "frames"
    std::string default_text{};  ///< as the option takes it; empty: none
    ReadText read{};             ///< called for each value that is given
};

/// False unless given; in a file `true` or `false`.
OptionValue flag(bool& value);

OptionValue text(std::string& value, std::string type);
OptionValue text(std::optional<std::string>& value, std::string type);

OptionValue list(std::vector<std::string>& values);
OptionValue list(ReadText read);

OptionValue repeated(std::vector<std::string>& values, std::string type);
OptionValue repeated(ReadText read, std::string type);

/// The text becomes the value by `parse(text, option)`, and the default a text by `print(value)`.
template <typename T, typename Parse, typename Print>
// It is moved, which clang-tidy 14 overlooks. NOLINTNEXTLINE(performance-unnecessary-value-param)
OptionValue converted(T& value, std::string type, Parse parse, Print print) {
    return {.type = std::move(type),
            .default_text = print(value),
            .read = [&value, parse](const std::string& text, const char* option) {
                value = parse(text, option);
            }};
}

/// The same without a default.
template <typename T, typename Parse>
OptionValue converted(T& value, std::string type, Parse parse) {
    return converted(value, std::move(type), parse, [](const T&) { return std::string(); });
}

/// What number() is for every type.
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

/// What choice() is for every type: `initial` and what is assigned are indices of `names`.
OptionValue choice_of(std::vector<std::string> names, std::size_t initial,
                      std::function<void(std::size_t)> assign);

/// One of the named values. The variable's initial value is one of them.
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

/// One of the enumerators, whose names stand in the order of their values.
template <typename T, std::size_t kCount>
requires std::is_enum_v<T> OptionValue choice(T& value, const std::array<std::string_view, kCount>& names) {
    return choice_of({names.begin(), names.end()}, static_cast<std::size_t>(value),
                     [&value](std::size_t chosen) { value = static_cast<T>(chosen); });
}

/// For what is on unless it is turned off. What is off is a flag().
OptionValue on_off(bool& value);

/// Times as parse_seconds() takes them.
OptionValue time(double& seconds);
OptionValue time(std::optional<double>& seconds);
OptionValue time(std::chrono::milliseconds& value);
OptionValue time(std::optional<std::chrono::milliseconds>& value);

}  // namespace l2echo::cli
