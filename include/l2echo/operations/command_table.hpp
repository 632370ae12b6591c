// Commands to a running program: one command per line, answered with one JSON object per line.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace l2echo::operations {

/// Name, arguments and description of a command, for the answer to `help`, --help and the manual.
struct CommandText {
    std::string_view name;
    std::string_view arguments;  ///< one word each: "[TIME]"; empty: none
    std::string_view help;
};

inline constexpr CommandText kReloadCommand{"reload", "",
                                            "Applies the file of --config again, as a whole or not at all"};
inline constexpr CommandText kHelpCommand{"help", "", "Lists the commands"};

/// One row of the table.
struct Command {
    CommandText text;
    /// Takes the words after the name and returns the answer without "ok". Throws UsageError, whose text
    /// becomes the answer's "error".
    std::function<nlohmann::ordered_json(const std::vector<std::string>& arguments)> run;
};

/// The commands of a program, and `help`, which lists them. Used by one thread.
class CommandTable {
  public:
    explicit CommandTable(std::vector<Command> commands);

    /// Runs one command. Neither `line` nor the answer has a line break. A faulty command is answered with an
    /// error, never an exception.
    std::string run(std::string_view line) const;

  private:
    std::vector<Command> commands_;
};

}  // namespace l2echo::operations
