// What all programs' command lines have in common: EAL's arguments before "--", options after it, the same
// options in a TOML file, --help, --version and --print-config.
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/cli/option_value.hpp"

namespace l2echo::cli {

/// The arguments on either side of the first "--".
struct SplitArguments {
    std::vector<std::string> eal;
    std::vector<std::string> ours;
};
/// Throws UsageError if one of EAL's is empty.
SplitArguments split_arguments(const std::vector<std::string>& arguments);

/// True when one of the names is among the arguments.
bool asks_for(const std::vector<std::string>& arguments, std::initializer_list<std::string_view> names);

/// All that there is to say about one option.
struct OptionRow {
    std::string name;   ///< with its dashes
    std::string group;  ///< its heading in --help
    OptionValue value;
    std::string help;
    bool in_file = true;  ///< a key in a file too, without its dashes
};

/// The old spelling of an option and the one that took its place.
struct RenamedOption {
    std::string old_name;
    std::string name;
    std::string value{};  ///< what says the same now when the old one was a flag
};

/// A program's options: parser, file, --help and --print-config all come from these rows.
class OptionTable {
  public:
    /// `version` is what --version prints.
    OptionTable(std::string program, std::string description, std::string version);
    ~OptionTable();
    OptionTable(const OptionTable&) = delete;
    OptionTable& operator=(const OptionTable&) = delete;

    /// The variable behind the row's value outlives parse().
    void add(OptionRow row);
    /// A command that the running program takes, for --help.
    void add_command(std::string_view name, std::string_view arguments, std::string_view help);
    /// The old spelling is refused with an error that says the new one.
    void add_renamed(RenamedOption renamed);

    /// `arguments` as main() gets them, program first. Returns the text to print instead of running, if any.
    /// Throws UsageError: one line that names the option or the key and what it takes.
    std::optional<std::string> parse(const std::vector<std::string>& arguments);

    /// EAL's arguments: those of the command line, or if there are none, those of the file.
    const std::vector<std::string>& eal_arguments() const noexcept { return eal_; }

    const std::vector<OptionRow>& rows() const noexcept { return rows_; }

  private:
    /// What was given for a row, on the command line or in the file.
    struct Given {
        std::vector<std::string> texts{};
        std::string where{};  ///< in the file; empty: on the command line
    };

    void add_to_app(const OptionRow& row, std::vector<std::string>& texts);
    /// Where the row of that name is; rows().size() if there is none.
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
    std::deque<Given> given_;  ///< for each row; the parser keeps references
    std::vector<RenamedOption> renamed_;
    std::vector<OptionRow> commands_;
    std::vector<std::string> eal_;
    std::string config_file_;
    bool version_ = false;
    bool print_config_ = false;
    struct App;
    std::unique_ptr<App> app_;  ///< CLI11's parser, which only the source file knows
};

}  // namespace l2echo::cli
