// The commands of a running echo: status, arm, disarm, trace.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/echo/arming.hpp"
#include "l2echo/engine/trace.hpp"
#include "l2echo/operations/command_table.hpp"

namespace l2echo::server {

/// Frames, for the command and for --trace.
inline constexpr std::uint64_t kMaxTraced = 1'000'000'000;

inline constexpr operations::CommandText kStatus{"status", "",
                                                 "Shows for each port whether it echoes, and for how long"};
inline constexpr operations::CommandText kArm{"arm", "[TIME]",
                                              "Echoes from now on, for TIME or as long as --expire says"};
inline constexpr operations::CommandText kDisarm{"disarm", "", "Refuses every frame from now on"};
inline constexpr operations::CommandText kTrace{"trace", "N", "Logs the next N frames with their verdicts"};
inline constexpr std::array kEchoCommands{
    kStatus, kArm, kDisarm, kTrace, operations::kReloadCommand, operations::kHelpCommand};

struct PortName {
    std::uint16_t id;
    std::string name;  ///< "net_tap0"
};

/// Returns the commands. `ports` holds the ports of `arming`, in order. `arming` and
/// `trace_budget` must outlive the commands.
std::vector<operations::Command> echo_commands(const std::vector<PortName>& ports, echo::Arming& arming,
                                               engine::TraceBudget& trace_budget);

}  // namespace l2echo::server
