#include "l2echo/operations/control_commands.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/time.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::operations {
namespace {

using Json = nlohmann::ordered_json;

Json describe(const echo::Session& session) {
    Json ports = Json::array();
    for (std::size_t port = 0; port < session.ports(); ++port) {
        const report::SessionState state = session.state(port);
        Json entry{{"state", report::name_of(state)}};
        entry["remaining_seconds"] = state.remaining_seconds ? Json(*state.remaining_seconds) : Json();
        ports.push_back(entry);
    }
    return {{"ok", true}, {"ports", ports}};
}

Json arm(const std::vector<std::string>& words, echo::Session& session) {
    if (words.size() > 1) {
        const std::chrono::milliseconds expire = cli::to_milliseconds(cli::parse_seconds(words[1], "arm"));
        if (expire == std::chrono::milliseconds::zero())
            throw process::UsageError("arm: 0 would end the session before it began; disarm ends it");
        session.arm(expire);
    } else {
        session.arm();
    }
    dpdk::log_info("Session armed by the control socket");
    return describe(session);
}

Json disarm(echo::Session& session) {
    session.disarm();
    dpdk::log_info("Session disarmed by the control socket");
    return describe(session);
}

Json trace(const std::vector<std::string>& words, echo::Session& session) {
    std::int64_t frames = -1;
    const std::string& number = words.size() > 1 ? words[1] : std::string();
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), frames);
    if (error != std::errc{} || rest != number.data() + number.size() || frames < 0)
        throw process::UsageError("trace takes the number of frames, 0 to stop");
    session.trace_budget().set(frames);
    return {{"ok", true}};
}

Json run(const std::vector<std::string>& words, echo::Session& session) {
    const std::string& command = words.front();
    const std::size_t most_words = command == "arm" || command == "trace" ? 2 : 1;
    if (words.size() > most_words)
        throw process::UsageError(command + " takes less than that; help lists the commands");
    if (command == "status")
        return describe(session);
    if (command == "arm")
        return arm(words, session);
    if (command == "disarm")
        return disarm(session);
    if (command == "trace")
        return trace(words, session);
    if (command == "help")
        return {{"ok", true}, {"commands", {"status", "arm [TIME]", "disarm", "trace N", "help"}}};
    throw process::UsageError("unknown command; help lists them");
}

}  // namespace

std::string run_control_command(std::string_view line, echo::Session& session) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    Json answer;
    try {
        if (words.empty())
            throw process::UsageError("empty command; help lists them");
        answer = run(words, session);
    } catch (const process::UsageError& error) {
        answer = {{"ok", false}, {"error", error.what()}};
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace l2echo::operations
