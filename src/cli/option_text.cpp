#include "cli/option_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <sstream>

#include "cli/config_file.hpp"
#include "l2echo/cli/number.hpp"

namespace l2echo::cli {
namespace {

using Form = OptionValue::Form;

constexpr std::size_t kIndent = 28;  // start of the right column
constexpr std::size_t kWidth = 100;

std::string usage_of(const OptionRow& row) {
    const char* again = row.value.form == Form::Repeated ? " ..." : "";
    return row.value.type.empty() ? row.name : fmt::format("{} {}{}", row.name, row.value.type, again);
}

/// Returns text such as "Size of each RX ring [1..32768 descriptors; default 1024]". "reloads" marks an
/// option that a running program takes from the file again.
std::string describe(const OptionRow& row) {
    const OptionValue& value = row.value;
    std::string details = value.range;
    if (!value.unit.empty())
        details += (details.empty() ? "" : " ") + value.unit;
    if (!value.default_text.empty())
        details += fmt::format("{}default {}", details.empty() ? "" : "; ", value.default_text);
    if (row.reloads)
        details += details.empty() ? "reloads" : "; reloads";
    return details.empty() ? row.help : fmt::format("{} [{}]", row.help, details);
}

/// Wraps the words into lines. Every line but the first begins with the indent.
std::string wrap(const std::string& text, const std::string& indent) {
    std::string wrapped;
    std::size_t column = indent.size();
    std::istringstream words(text);
    for (std::string word; words >> word; column += word.size() + 1) {
        const bool fits = column + word.size() <= kWidth;
        if (!fits)
            column = indent.size();
        if (!wrapped.empty())
            wrapped += fits ? " " : "\n" + indent;
        wrapped += word;
    }
    return wrapped;
}

/// Keeps a number as a number if it fits TOML's integers (64 bits); everything else becomes a string.
std::string quoted(const std::string& value) {
    const auto number = read_number(value, std::numeric_limits<std::int64_t>::max());
    return number && std::to_string(*number) == value ? value : quote_toml(value);
}

/// Returns the value in force as TOML; empty if there is none.
std::string value_in_force(const OptionInForce& option) {
    const OptionValue& value = option.row.value;
    if (value.form == Form::Flag)
        return option.given.empty() ? "false" : option.given.front();
    if (option.given.empty())
        return value.default_text.empty() ? "" : quoted(value.default_text);
    if (value.form == Form::One)
        return quoted(option.given.front());
    // All of one type, so that every reader of TOML accepts the array: an argument of EAL may be a number.
    std::vector<std::string> values;
    for (const std::string& text : option.given)
        values.push_back(quote_toml(text));
    return fmt::format("[{}]", fmt::join(values, ", "));
}

/// Returns the form of a value as TOML: N, "TIME", ["RULE"]. The string of a list has commas.
std::string placeholder(const OptionValue& value) {
    if (value.form == Form::Repeated)
        return fmt::format("[{}]", quote_toml(value.type));
    return value.type == kNumberType ? value.type : quote_toml(value.type);
}

}  // namespace

std::string render_help(const std::vector<OptionRow>& rows) {
    std::string text;
    std::string group;
    for (const OptionRow& row : rows) {
        if (row.group != group)
            text += fmt::format("\n{}:\n", row.group);
        group = row.group;
        const std::string usage = "  " + usage_of(row);
        const std::string indent(kIndent, ' ');
        const std::string gap = usage.size() < kIndent ? indent.substr(usage.size()) : "\n" + indent;
        text += usage + gap + wrap(describe(row), indent) + "\n";
    }
    return text;
}

std::string render_config(const std::vector<OptionInForce>& options) {
    std::string text;
    for (const OptionInForce& option : options) {
        if (!option.row.in_file)
            continue;
        const std::string key = option.row.name.substr(2);
        const std::string value = value_in_force(option);
        text += fmt::format("\n# {}\n", wrap(describe(option.row), "# "));
        text += value.empty() ? fmt::format("# {} = {}\n", key, placeholder(option.row.value))
                              : fmt::format("{} = {}\n", key, value);
    }
    return text;
}

}  // namespace l2echo::cli
