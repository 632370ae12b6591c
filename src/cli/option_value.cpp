#include "l2echo/cli/option_value.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "l2echo/cli/time.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

std::string as_given(const std::string& text, const char*) {
    return text;
}

ReadText append_to(std::vector<std::string>& values) {
    return [&values](const std::string& text, const char*) { values.push_back(text); };
}

std::string print_seconds(double seconds) {
    return fmt::format("{:g}s", seconds);
}

std::chrono::milliseconds parse_milliseconds(const std::string& text, const char* option) {
    return to_milliseconds(parse_seconds(text, option));
}

}  // namespace

OptionValue flag(bool& value) {
    return {.form = OptionValue::Form::Flag,
            .read = [&value](const std::string& text, const char*) { value = text == "true"; }};
}

OptionValue text(std::string& value, std::string type) {
    return converted(value, std::move(type), as_given, [](const std::string& initial) { return initial; });
}

OptionValue text(std::optional<std::string>& value, std::string type) {
    return converted(value, std::move(type), as_given);
}

OptionValue list(std::vector<std::string>& values) {
    return list(append_to(values));
}

OptionValue list(ReadText read) {
    return {.form = OptionValue::Form::List, .type = "LIST", .read = std::move(read)};
}

OptionValue repeated(std::vector<std::string>& values, std::string type) {
    return repeated(append_to(values), std::move(type));
}

OptionValue repeated(ReadText read, std::string type) {
    return {.form = OptionValue::Form::Repeated, .type = std::move(type), .read = std::move(read)};
}

OptionValue number_in(const NumberRange& range, std::string default_text,
                      std::function<void(std::uint64_t)> assign) {
    return {.type = std::string(kNumberType),
            .range = range.any() ? "" : fmt::format("{}..{}", range.min, range.max),
            .unit = range.unit,
            .default_text = std::move(default_text),
            .read = [range, assign = std::move(assign)](const std::string& text, const char* option) {
                assign(parse_number(text, option, range));
            }};
}

OptionValue choice_of(std::vector<std::string> names, std::size_t initial,
                      std::function<void(std::size_t)> assign) {
    const auto read = [names, assign = std::move(assign)](const std::string& text, const char* option) {
        const auto chosen = std::ranges::find(names, text);
        if (chosen == names.end())
            throw process::UsageError(
                fmt::format("{}: '{}' is none of {}", option, text, fmt::join(names, ", ")));
        assign(static_cast<std::size_t>(chosen - names.begin()));
    };
    return {
        .type = fmt::format("{}", fmt::join(names, "|")), .default_text = names.at(initial), .read = read};
}

OptionValue on_off(bool& value) {
    return choice(value, {{"on", true}, {"off", false}});
}

OptionValue time(double& seconds) {
    return converted(seconds, "TIME", parse_seconds, print_seconds);
}

OptionValue time(std::optional<double>& seconds) {
    return converted(seconds, "TIME", parse_seconds);
}

OptionValue time(std::chrono::milliseconds& value) {
    return converted(value, "TIME", parse_milliseconds, [](std::chrono::milliseconds initial) {
        return print_seconds(std::chrono::duration<double>(initial).count());
    });
}

OptionValue time(std::optional<std::chrono::milliseconds>& value) {
    return converted(value, "TIME", parse_milliseconds);
}

}  // namespace l2echo::cli
