#include "l2echo/operations/command_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "l2echo/process/error.hpp"

namespace l2echo::operations {
namespace {

using Json = nlohmann::ordered_json;

std::vector<std::string> split_words(std::string_view line) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

std::string synopsis(const Command& command) {
    const auto& [name, arguments, help] = command.text;
    return arguments.empty() ? std::string(name) : fmt::format("{} {}", name, arguments);
}

Json run_words(const std::vector<Command>& commands, std::vector<std::string> words) {
    if (words.empty())
        throw process::UsageError("empty command; help lists them");
    const auto command = std::ranges::find_if(
        commands, [&words](const Command& row) { return row.text.name == words.front(); });
    if (command == commands.end())
        throw process::UsageError("unknown command; help lists them");
    words.erase(words.begin());
    if (words.size() > split_words(command->text.arguments).size())
        throw process::UsageError(std::string(command->text.name) +
                                  " has too many arguments; help lists the commands");
    return command->run(words);
}

}  // namespace

CommandTable::CommandTable(std::vector<Command> commands) : commands_(std::move(commands)) {
    commands_.push_back({kHelpCommand, {}});
    Json list = Json::array();
    Json texts = Json::object();
    for (const Command& command : commands_) {
        list.push_back(synopsis(command));
        texts[synopsis(command)] = command.text.help;
    }
    commands_.back().run = [list, texts](const auto&) { return Json{{"commands", list}, {"help", texts}}; };
}

std::string CommandTable::run(std::string_view line) const {
    Json answer;
    try {
        answer = {{"ok", true}};
        answer.update(run_words(commands_, split_words(line)));
    } catch (const process::UsageError& error) {
        answer = {{"ok", false}, {"error", error.what()}};
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace l2echo::operations
