#include "l2echo/cli/option_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>

#include "cli/config_file.hpp"
#include "cli/option_text.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::cli {
namespace {

using Form = OptionValue::Form;

constexpr const char* kGeneral = "Options";

/// Splits at each comma. Keeps empty parts, so that they are rejected later.
std::vector<std::string> split_lists(const std::vector<std::string>& texts) {
    std::vector<std::string> parts;
    for (const std::string& text : texts)
        for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
            end = text.find(',', begin);
            parts.push_back(text.substr(begin, end - begin));
        }
    return parts;
}

bool is_number(const std::string& text) {
    return read_number(text, std::numeric_limits<std::uint64_t>::max()).has_value();
}

std::string key_of(const std::string& name) {
    return name.substr(2);
}

std::string name_in(const std::string& argument) {
    return argument.substr(0, argument.find('='));
}

std::string explain(const RenamedOption& renamed) {
    return fmt::format("{} is now {}{}{}", renamed.old_name, renamed.name, renamed.value.empty() ? "" : " ",
                       renamed.value);
}

std::string explain_key(const RenamedOption& renamed) {
    const std::string value = renamed.value.empty() ? "" : fmt::format(" = \"{}\"", renamed.value);
    return fmt::format("{} is now {}{}", key_of(renamed.old_name), key_of(renamed.name), value);
}

/// EAL's own parser accepts empty text as a number, a list or a name, although it is not valid for any of
/// them.
void refuse_empty_eal_values(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i].empty())
            throw process::UsageError(fmt::format("EAL argument {} is empty{}", i + 1,
                                                  i == 0 ? "" : ", after " + arguments[i - 1]));
        if (arguments[i].starts_with("--") && arguments[i].find('=') == arguments[i].size() - 1)
            throw process::UsageError(
                fmt::format("EAL argument {}: the value is empty", name_in(arguments[i])));
    }
}

}  // namespace

SplitArguments split_arguments(const std::vector<std::string>& arguments) {
    const auto first = arguments.begin() + (arguments.empty() ? 0 : 1);
    const auto separator = std::find(first, arguments.end(), "--");
    SplitArguments split;
    split.eal.assign(first, separator);
    refuse_empty_eal_values(split.eal);
    if (separator != arguments.end())
        split.ours.assign(separator + 1, arguments.end());
    return split;
}

bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names) {
    return std::find_first_of(arguments.begin(), arguments.end(), names.begin(), names.end()) !=
           arguments.end();
}

/// CLI11 only splits the command line into options and texts. The rows interpret the texts.
struct OptionTable::App : CLI::App {};

OptionTable::OptionTable(std::string program, std::string description, std::string version)
    : program_(std::move(program)),
      description_(std::move(description)),
      version_text_(std::move(version) + "\n"),
      app_(std::make_unique<App>()) {
    app_->set_help_flag("-h,--help");
    rows_.push_back({.name = "-h, --help",
                     .group = kGeneral,
                     .value = {.form = Form::Flag},
                     .help = "Print this help and exit",
                     .in_file = false});
    given_.emplace_back();
    add({.name = "--config",
         .group = kGeneral,
         .value = text(config_file_, "FILE"),
         .help = "Read options from this TOML file",
         .in_file = false});
    add({.name = "--version",
         .group = kGeneral,
         .value = flag(version_),
         .help = "Print the version and exit",
         .in_file = false});
    add({.name = "--print-config",
         .group = kGeneral,
         .value = flag(print_config_),
         .help = "Print what is in force, as a file for --config, and exit",
         .in_file = false});
    add({.name = "--check-config",
         .group = kGeneral,
         .value = flag(check_config_),
         .help = "Check the command line and the file, and exit; EAL's arguments are not checked",
         .in_file = false});
    add({.name = "--eal",
         .group = kGeneral,
         .value = repeated(eal_, "ARGUMENT"),
         .help = "EAL arguments, for the file; those before -- on the command line replace them"});
}

OptionTable::~OptionTable() = default;

void OptionTable::add(OptionRow row) {
    add_to_app(row, given_.emplace_back().texts);
    rows_.push_back(std::move(row));
}

void OptionTable::add_log_format(process::LogFormat& format) {
    add({.name = "--log-format",
         .group = kGeneral,
         .value = choice(format, process::kLogFormatNames),
         .help =
             "Log on stderr: text, or one JSON object a line; the systemd journal gets priorities with both"});
}

void OptionTable::add_renamed(RenamedOption renamed) {
    renamed_.push_back(std::move(renamed));
}

void OptionTable::add_to_app(const OptionRow& row, std::vector<std::string>& texts) {
    if (row.value.form == Form::Flag) {
        app_->add_flag_function(row.name, [&texts](std::int64_t on) { texts = {on > 0 ? "true" : "false"}; })
            ->configurable(row.in_file);
        return;
    }
    CLI::Option* option = app_->add_option(row.name, [&texts](const CLI::results_t& results) {
        texts = results;
        return true;
    });
    option->type_name(row.value.type)->configurable(row.in_file);
    if (row.value.form == Form::One)
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);  // read_row() rejects a second value
    else
        option->expected(1, CLI::detail::expected_max_vector_size);
    if (row.value.form == Form::Repeated)
        option->allow_extra_args(false);
}

std::optional<std::string> OptionTable::parse(const std::vector<std::string>& arguments) {
    SplitArguments split = split_arguments(arguments);
    if (asks_for(split.eal, {"-h", "--help"}))
        split = {{}, {"--help"}};
    else if (asks_for(split.eal, {"--version"}))
        split = {{}, {"--version"}};
    refuse_renamed(split.eal);
    refuse_renamed(split.ours);
    // For one of our options among EAL's, EAL would only print a page of usage.
    for (const std::string& argument : split.eal)
        refuse_among_eals(argument);
    refuse_misread(split.ours);
    if (!take_apart(split))
        return help();
    read_values();
    if (version_)
        return version_text_;
    if (print_config_)
        return config();
    return std::nullopt;
}

std::size_t OptionTable::find_row(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::find(rows_, name, &OptionRow::name) - rows_.begin());
}

/// EAL also has a --trace, whose value is a regular expression, not a number.
void OptionTable::refuse_among_eals(const std::string& argument) const {
    constexpr std::string_view kBoth = "--trace";
    const std::string name = name_in(argument);
    if (find_row(name) == rows_.size())
        return;
    if (name != kBoth)
        throw process::UsageError(fmt::format("{} is not an EAL option: put it after --", argument));
    const bool is_eals = argument.size() > kBoth.size() + 1 && !is_number(argument.substr(kBoth.size() + 1));
    if (!is_eals)
        throw process::UsageError(
            fmt::format("{}: ours goes after --; EAL's is --trace=PATTERN before it", argument));
}

const RenamedOption* OptionTable::find_renamed(const std::string& name) const {
    const auto renamed = std::ranges::find(renamed_, name, &RenamedOption::old_name);
    return renamed == renamed_.end() ? nullptr : &*renamed;
}

void OptionTable::refuse_renamed(const std::vector<std::string>& arguments) const {
    for (const std::string& argument : arguments)
        if (const RenamedOption* renamed = find_renamed(name_in(argument)))
            throw process::UsageError(explain(*renamed));
}

/// Rejects what CLI11 misreads: with an empty "--option=" it takes the next argument as the value, with a
/// flag it takes a number as the state, and after a second "--" it takes the rest as positional arguments.
void OptionTable::refuse_misread(const std::vector<std::string>& arguments) const {
    for (const std::string& argument : arguments) {
        if (argument == "--")
            throw process::UsageError("a second --: EAL's arguments go before the first one, ours after it");
        const std::size_t row = find_row(name_in(argument));
        const std::size_t sign = argument.find('=');
        if (row == rows_.size() || sign == std::string::npos)
            continue;
        const OptionRow& option = rows_[row];
        if (option.value.form == Form::Flag)
            throw process::UsageError(
                fmt::format("{} takes no value; leave it out to switch it off", option.name));
        if (sign == argument.size() - 1)
            throw process::UsageError(fmt::format("{}: the value is empty", option.name));
    }
}

OptionValue::Form OptionTable::form_of_key(const std::string& key) const {
    const auto row = std::ranges::find_if(rows_, [&](const OptionRow& candidate) {
        return candidate.in_file && key_of(candidate.name) == key;
    });
    if (row != rows_.end())
        return row->value.form;
    if (const RenamedOption* renamed = find_renamed("--" + key))
        throw process::UsageError(explain_key(*renamed));
    throw process::UsageError(fmt::format("unknown key {}; the keys are the option names without --", key));
}

/// Returns false if the arguments request help.
bool OptionTable::take_apart(const SplitArguments& arguments) {
    std::vector<std::string> ours = arguments.ours;
    std::reverse(ours.begin(), ours.end());  // CLI11 consumes a vector from the end
    try {
        app_->parse(ours);
    } catch (const CLI::CallForHelp&) {
        return false;
    } catch (const CLI::ParseError& error) {
        throw process::UsageError(fmt::format("{}; see --help", error.what()));
    }
    for (std::size_t i = 0; i < rows_.size(); ++i)
        if (rows_[i].value.form == Form::List)
            given_[i].texts = split_lists(given_[i].texts);
    std::vector<std::string>& eal = given_[find_row("--eal")].texts;
    eal.insert(eal.end(), arguments.eal.begin(), arguments.eal.end());
    return true;
}

void OptionTable::read_row(std::size_t i) const {
    const OptionRow& row = rows_[i];
    const auto& [texts, where] = given_[i];
    const std::string name = where.empty() ? row.name : fmt::format("{}: {}", where, key_of(row.name));
    for (const std::string& text : texts) {
        if (text.empty())
            throw process::UsageError(fmt::format("{}: the value is empty", name));
        row.value.read(text, name.c_str());
    }
    if (row.value.form == Form::One && texts.size() > 1)
        throw process::UsageError(fmt::format("{}: {} values where it takes one", name, texts.size()));
}

/// Reads the options that the command line did not set.
void OptionTable::read_file() {
    const auto entries =
        read_config_file(config_file_, [this](const std::string& key) { return form_of_key(key); });
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const auto entry = rows_[i].in_file ? entries.find(key_of(rows_[i].name)) : entries.end();
        if (entry != entries.end() && given_[i].texts.empty())
            given_[i] = {
                rows_[i].value.form == Form::List ? split_lists(entry->second.texts) : entry->second.texts,
                entry->second.where};
    }
}

void OptionTable::read_values() {
    const std::size_t config = find_row("--config");
    read_row(config);
    if (!config_file_.empty())
        read_file();
    for (std::size_t i = 0; i < rows_.size(); ++i)
        if (i != config)
            read_row(i);
}

std::vector<ValueInForce> OptionTable::values_in_force() const {
    std::vector<ValueInForce> values;
    for (std::size_t i = 0; i < rows_.size(); ++i)
        values.push_back({rows_[i].name,
                          given_[i].texts.empty() ? rows_[i].value.default_text
                                                  : fmt::format("{}", fmt::join(given_[i].texts, "\n")),
                          rows_[i].reloads, given_[i].where});
    return values;
}

void OptionTable::add_command(std::string_view name, std::string_view arguments, std::string_view help) {
    commands_.push_back({.name = std::string(name),
                         .group = "Commands of the control socket",
                         .value = {.type = std::string(arguments)},
                         .help = std::string(help)});
}

std::string OptionTable::help() const {
    return fmt::format("{}\nUsage: {} [EAL options] -- [options]\n{}{}", description_, program_,
                       render_help(rows_), render_help(commands_));
}

std::string OptionTable::config() const {
    std::vector<OptionInForce> options;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (!std::ranges::all_of(given_[i].texts, can_be_quoted))
            throw process::UsageError(fmt::format(
                "--print-config: the value of {} is not UTF-8, and a TOML file holds nothing else",
                rows_[i].name));
        options.push_back({rows_[i], given_[i].texts});
    }
    return fmt::format("# Options of {}, for --config.\n{}", program_, render_config(options));
}

}  // namespace l2echo::cli
