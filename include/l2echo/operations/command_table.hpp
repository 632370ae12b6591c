// What can be said to a running program: one command a line, one JSON object a line as the answer.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace l2echo::operations {

/// How a command is written and what it does: for the answer to `help`, --help and the manual.
struct CommandText {
    std::string_view name;
    std::string_view arguments;  ///< one word each: "[TIME]"; empty: none
    std::string_view help;
};

inline constexpr CommandText kHelpCommand{"help", "", "Lists the commands"};

/// One row of the table.
struct Command {
    CommandText text;
    /// Gets the words behind the name; returns the answer without "ok". Throws UsageError, whose text becomes
    /// the answer's "error".
    std::function<nlohmann::ordered_json(const std::vector<std::string>& arguments)> run;
};

/// The commands of a program, and `help`, which lists them. One thread.
class CommandTable {
  public:
    explicit CommandTable(std::vector<Command> commands);

    /// No line break in or out; never throws on what is wrong with the command.
    std::string run(std::string_view line) const;

  private:
    std::vector<Command> commands_;
};

}  // namespace l2echo::operations
