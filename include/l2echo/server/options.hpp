// The user's options: turns the command line and the configuration file into one checked structure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/echo/rules.hpp"
#include "l2echo/engine/idle.hpp"
#include "l2echo/operations/stats_reporter.hpp"
#include "l2echo/process/log.hpp"

namespace l2echo::server {

struct Options {
    std::vector<std::string> eal;  ///< EAL arguments, without "--"
    process::LogFormat log_format = process::LogFormat::Text;
    std::vector<std::string> ports;  ///< ids or device names; empty: all ports that EAL probed
    bool take_kernel_interface = false;
    dpdk::PortRequest port;
    std::uint32_t tx_retries = 0;  ///< 0: drop what the TX queue does not accept at once
    engine::IdleSettings idle;
    echo::RulesRequest rules;
    cli::RateRequest max_rate;  ///< per port, in frames or bits; all zero: no limit
    bool loop_check = true;
    bool disarmed = false;                            ///< start disarmed
    std::optional<std::chrono::milliseconds> expire;  ///< empty: echo without a time limit
    std::string control_socket;                       ///< path; empty: none
    std::uint64_t trace = 0;                          ///< number of frames to trace
    std::string trace_file;                           ///< path; empty: none
    bool allow_dumpcap = false;
    std::chrono::milliseconds link_wait = dpdk::kDefaultLinkWait;
    std::optional<std::chrono::milliseconds>
        stats_interval;  ///< 0: off; empty: depends on format and terminal
    operations::ReportFormat format = operations::ReportFormat::Table;
    std::optional<std::chrono::milliseconds> duration;  ///< empty: until a signal
    cli::Endpoint metrics;                              ///< empty: none
};

struct CommandLine {
    Options options;
    std::optional<std::string> print;  ///< for --help, --version, --print-config: print this and exit with 0
    std::vector<std::string> arguments;  ///< of main()
    std::vector<cli::ValueInForce> values{};
};

/// Parses the arguments of main(): program name, EAL arguments, "--", options. EAL arguments on the command
/// line replace those of the file; every other option on the command line overrides the file. Throws
/// UsageError: one line with the option or key and the values that it accepts.
CommandLine parse_command_line(const std::vector<std::string>& arguments);

/// Parses the command line of a program that accepts only EAL arguments, --help and --version. Throws
/// UsageError.
CommandLine parse_eal_command_line(const std::vector<std::string>& arguments);

}  // namespace l2echo::server
