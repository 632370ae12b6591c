#include "l2echo/control/control_commands.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "l2echo/control/log.hpp"
#include "l2echo/control/option_table.hpp"
#include "l2echo/error.hpp"

namespace l2echo {
namespace {

using Json = nlohmann::ordered_json;

Json describe(const Session& session) {
    Json ports = Json::array();
    for (std::size_t port = 0; port < session.ports(); ++port) {
        const SessionState state = session.state(port);
        Json entry{{"state", name_of(state)}};
        entry["remaining_seconds"] = state.remaining_seconds ? Json(*state.remaining_seconds) : Json();
        ports.push_back(entry);
    }
    return {{"ok", true}, {"ports", ports}};
}

Json arm(const std::vector<std::string>& words, Session& session) {
    if (words.size() > 1) {
        const std::chrono::milliseconds expire = to_milliseconds(parse_seconds(words[1], "arm"));
        if (expire == std::chrono::milliseconds::zero())
            throw UsageError("arm: 0 would end the session before it began; disarm ends it");
        session.arm(expire);
    } else {
        session.arm();
    }
    log_info("Session armed by the control socket");
    return describe(session);
}

Json disarm(Session& session) {
    session.disarm();
    log_info("Session disarmed by the control socket");
    return describe(session);
}

Json trace(const std::vector<std::string>& words, Session& session) {
    std::int64_t frames = -1;
    const std::string& number = words.size() > 1 ? words[1] : std::string();
    const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), frames);
    if (error != std::errc{} || rest != number.data() + number.size() || frames < 0)
        throw UsageError("trace takes the number of frames, 0 to stop");
    session.trace_budget().set(frames);
    return {{"ok", true}};
}

Json run(const std::vector<std::string>& words, Session& session) {
    const std::string& command = words.front();
    const std::size_t most_words = command == "arm" || command == "trace" ? 2 : 1;
    if (words.size() > most_words)
        throw UsageError(command + " takes less than that; help lists the commands");
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
    throw UsageError("unknown command; help lists them");
}

}  // namespace

std::string run_control_command(std::string_view line, Session& session) {
    std::istringstream stream{std::string(line)};
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    Json answer;
    try {
        if (words.empty())
            throw UsageError("empty command; help lists them");
        answer = run(words, session);
    } catch (const UsageError& error) {
        answer = {{"ok", false}, {"error", error.what()}};
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace l2echo
