#include "server/echo_commands.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "l2echo/cli/number.hpp"
#include "l2echo/cli/time.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::server {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

Json describe(const echo::Arming& arming) {
    Json ports = Json::array();
    for (std::size_t port = 0; port < arming.ports(); ++port) {
        const verdict::ArmingState state = arming.state(port);
        Json entry{{"state", name_of(state)}};
        entry["remaining_seconds"] = state.remaining_seconds ? Json(*state.remaining_seconds) : Json();
        ports.push_back(entry);
    }
    return {{"ports", ports}};
}

Json arm(echo::Arming& arming, const Words& arguments) {
    if (arguments.empty()) {
        arming.arm();
    } else {
        const std::chrono::milliseconds expire =
            cli::to_milliseconds(cli::parse_seconds(arguments.front(), "arm"));
        if (expire == std::chrono::milliseconds::zero())
            throw process::UsageError("arm: 0 would end the session before it began; disarm ends it");
        arming.arm(expire);
    }
    dpdk::log_info("Session armed by the control socket");
    return describe(arming);
}

Json disarm(echo::Arming& arming) {
    arming.disarm();
    dpdk::log_info("Session disarmed by the control socket");
    return describe(arming);
}

Json trace(engine::TraceBudget& budget, const Words& arguments) {
    const auto frames = cli::read_number(arguments.empty() ? "" : arguments.front(), kMaxTraced);
    if (!frames)
        throw process::UsageError(
            fmt::format("trace takes the number of frames, 0 to stop, {} at most", kMaxTraced));
    budget.set(static_cast<std::int64_t>(*frames));
    return Json::object();
}

}  // namespace

std::vector<operations::Command> echo_commands(echo::Arming& arming, engine::TraceBudget& trace_budget) {
    return {
        {kStatus, [&arming](const Words&) { return describe(arming); }},
        {kArm, [&arming](const Words& words) { return arm(arming, words); }},
        {kDisarm, [&arming](const Words&) { return disarm(arming); }},
        {kTrace, [&trace_budget](const Words& words) { return trace(trace_budget, words); }},
    };
}

}  // namespace l2echo::server
