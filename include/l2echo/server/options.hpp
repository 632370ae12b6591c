// What the user asks for: command line and configuration file in, one checked structure out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/echo/rules.hpp"
#include "l2echo/engine/idle.hpp"
#include "l2echo/operations/stats_reporter.hpp"

namespace l2echo::server {

struct Options {
    std::vector<std::string> eal;    ///< EAL's arguments, without "--"
    std::vector<std::string> ports;  ///< ids or device names; empty: all that EAL probed
    bool take_kernel_interface = false;
    dpdk::PortRequest port;
    std::uint32_t tx_retries = 0;  ///< 0: drop what the TX queue does not take at once
    engine::IdleSettings idle;
    echo::RulesRequest rules;
    cli::RateRequest max_rate;  ///< of each port, in frames or bits; none: no limit
    bool loop_check = true;
    bool disarmed = false;                            ///< at start
    std::optional<std::chrono::milliseconds> expire;  ///< empty: echo without end
    std::string control_socket;                       ///< path; empty: none
    std::uint64_t trace = 0;                          ///< frames
    std::string trace_file;                           ///< path; empty: none
    std::chrono::milliseconds link_wait = dpdk::kDefaultLinkWait;
    std::optional<std::chrono::milliseconds>
        stats_interval;  ///< 0: off; empty: depends on format and terminal
    operations::ReportFormat format = operations::ReportFormat::Table;
    std::optional<std::chrono::milliseconds> duration;  ///< empty: until a signal
};

struct CommandLine {
    Options options;
    std::optional<std::string> print;  ///< --help, --version, --print-config: print this and exit 0
};

/// `arguments` as main() gets them, program first: EAL's, then "--", then ours. EAL's on the command line
/// replace those of the file; for every other option the command line wins over the file. Throws UsageError:
/// one line that names the option or the key and what it takes.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

/// For a program that takes EAL's arguments and none of ours but --help and --version. Throws UsageError.
CommandLine parse_eal_command_line(const std::vector<std::string>& arguments);

}  // namespace l2echo::server
