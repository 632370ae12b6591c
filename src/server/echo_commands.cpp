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

Json describe(const std::vector<PortName>& names, const echo::Arming& arming) {
    Json ports = Json::array();
    for (std::size_t port = 0; port < arming.ports(); ++port) {
        const verdict::ArmingState state = arming.state(port);
        Json entry{{"port", names.at(port).id}, {"name", names.at(port).name}, {"state", name_of(state)}};
        entry["remaining_seconds"] = state.remaining_seconds ? Json(*state.remaining_seconds) : Json();
        ports.push_back(entry);
    }
    return {{"ports", ports}};
}

void arm(echo::Arming& arming, const Words& arguments) {
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
}

void disarm(echo::Arming& arming) {
    arming.disarm();
    dpdk::log_info("Session disarmed by the control socket");
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

std::vector<operations::Command> echo_commands(const std::vector<PortName>& ports, echo::Arming& arming,
                                               engine::TraceBudget& trace_budget) {
    const auto status = [&arming, ports] { return describe(ports, arming); };
    return {
        {kStatus, [status](const Words&) { return status(); }},
        {kArm,
         [status, &arming](const Words& words) {
             arm(arming, words);
             return status();
         }},
        {kDisarm,
         [status, &arming](const Words&) {
             disarm(arming);
             return status();
         }},
        {kTrace, [&trace_budget](const Words& words) { return trace(trace_budget, words); }},
    };
}

}  // namespace l2echo::server
