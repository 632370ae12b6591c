// The command line shared by all programs: EAL arguments before "--", options after it, the same options in a
// TOML file, --help, --version and --print-config.
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/cli/option_value.hpp"
#include "l2echo/process/log.hpp"

namespace l2echo::cli {

/// The arguments before and after the first "--".
struct SplitArguments {
    std::vector<std::string> eal;
    std::vector<std::string> ours;
};
/// Splits the arguments. Throws UsageError if an EAL argument is empty.
SplitArguments split_arguments(const std::vector<std::string>& arguments);

/// True if one of the names is among the arguments.
bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names);

/// The complete definition of one option.
struct OptionRow {
    std::string name;   ///< includes the dashes
    std::string group;  ///< heading in --help
    OptionValue value;
    std::string help;
    bool in_file = true;   ///< also a key in a file, without the dashes
    bool reloads = false;  ///< a running program takes a new value from the file
};

/// What --check-config prints.
inline constexpr const char* kConfigurationIsValid = "The configuration is valid.\n";

/// An option's value as text, to compare two readings of a file.
struct ValueInForce {
    std::string name;  ///< includes the dashes
    std::string text;  ///< empty: not given, and no default
    bool reloads = false;
    std::string where{};  ///< FILE:LINE:COLUMN; empty: the file does not set it
};

/// The old name of an option and its replacement.
struct RenamedOption {
    std::string old_name;
    std::string name;
    std::string value{};  ///< the equivalent value if the old option was a flag
};

/// A program's options. The parser, the file, --help and --print-config are all derived from these rows.
class OptionTable {
  public:
    /// `version` is what --version prints.
    OptionTable(std::string program, std::string description, std::string version);
    ~OptionTable();
    OptionTable(const OptionTable&) = delete;
    OptionTable& operator=(const OptionTable&) = delete;

    /// The variable that the row's value refers to must outlive parse().
    void add(OptionRow row);
    /// Adds --log-format.
    void add_log_format(process::LogFormat& format);
    /// Adds a command of the running program to --help.
    void add_command(std::string_view name, std::string_view arguments, std::string_view help);
    /// Rejects the old name with an error that gives the new one.
    void add_renamed(RenamedOption renamed);

    /// Parses the arguments of main(), program name first. Returns the text to print instead of running, if
    /// any. Throws UsageError: one line with the option or key and the values that it accepts.
    std::optional<std::string> parse(const std::vector<std::string>& arguments);

    /// Returns the EAL arguments of the command line or, if there are none, those of the file.
    const std::vector<std::string>& eal_arguments() const noexcept { return eal_; }

    /// True if the command line only asks whether it and the file are valid.
    bool checks_only() const noexcept { return check_config_; }

    /// Returns the value of each option, in an order that does not depend on the arguments.
    std::vector<ValueInForce> values_in_force() const;

    const std::vector<OptionRow>& rows() const noexcept { return rows_; }

  private:
    /// Values given for a row, on the command line or in the file.
    struct Given {
        std::vector<std::string> texts{};
        std::string where{};  ///< place in the file; empty: command line
    };

    void add_to_app(const OptionRow& row, std::vector<std::string>& texts);
    /// Returns the index of the row with that name; rows().size() if there is none.
    std::size_t find_row(std::string_view name) const;
    void refuse_among_eals(const std::string& argument) const;
    const RenamedOption* find_renamed(const std::string& name) const;
    void refuse_renamed(const std::vector<std::string>& arguments) const;
    bool take_apart(const SplitArguments& arguments);
    void refuse_misread(const std::vector<std::string>& arguments) const;
    OptionValue::Form form_of_key(const std::string& key) const;
    void read_row(std::size_t i) const;
    void read_file();
    void read_values();
    std::string help() const;
    std::string config() const;

    std::string program_;
    std::string description_;
    std::string version_text_;
    std::vector<OptionRow> rows_;
    std::deque<Given> given_;  ///< one per row; a deque, because the parser keeps references
    std::vector<RenamedOption> renamed_;
    std::vector<OptionRow> commands_;
    std::vector<std::string> eal_;
    std::string config_file_;
    bool version_ = false;
    bool print_config_ = false;
    bool check_config_ = false;
    struct App;
    std::unique_ptr<App> app_;  ///< CLI11's parser, hidden in the source file
};

}  // namespace l2echo::cli
