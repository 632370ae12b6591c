// The command line of l2_probe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/probe/result/probe_result.hpp"
#include "l2echo/probe/run/sender.hpp"
#include "l2echo/probe/traffic/traffic.hpp"
#include "l2echo/process/log.hpp"

namespace l2echo::probe {

enum class ResultFormat {
    Text,
    Json,
    OpenMetrics,
    Prometheus,  ///< Prometheus text, for node_exporter's textfile collector
};

struct ProbeOptions {
    std::vector<std::string> eal;
    process::LogFormat log_format = process::LogFormat::Text;
    std::vector<std::string> ports;
    bool take_kernel_interface = false;
    dpdk::PortRequest port;
    std::optional<std::uint16_t> queue_pairs;  ///< value of --queues
    std::chrono::milliseconds link_wait = dpdk::kDefaultLinkWait;
    TrafficShape shape{
        .destination = 0x0153'005E'0002};  ///< without the source MAC, which is the port's, and without sizes
    /// In the syntax of parse_sizes(): one per step of a sweep, otherwise one.
    std::vector<std::string> sizes;
    bool grown = false;  ///< the smallest size is above 64 although the user did not ask for it
    wire::SwapLevel swap_level = wire::SwapLevel::Mac;
    cli::RateRequest rate;
    SendPlan plan;  ///< without the rate
    std::optional<std::uint64_t> warm_up_frames;
    double drain_seconds = 1;  ///< wait for returning frames after sending
    Gates gates;
    ResultFormat format = ResultFormat::Text;
    std::string histogram_file;                         ///< empty: none
    std::string search;                                 ///< empty, "ndr" or "pdr"
    std::string sweep_folder;                           ///< empty: no sweep
    double trial_seconds = 1;                           ///< length of each trial of a search
    std::optional<std::chrono::milliseconds> interval;  ///< between the starts of runs; empty: one run
    cli::Endpoint metrics;                              ///< empty: none
    std::string command;                                ///< the whole command line, quoted for a shell
};

struct ProbeCommandLine {
    ProbeOptions options;
    std::optional<std::string> print;
};

/// Parses the command line. Throws UsageError.
ProbeCommandLine parse_probe_command_line(const std::vector<std::string>& arguments);

}  // namespace l2echo::probe
