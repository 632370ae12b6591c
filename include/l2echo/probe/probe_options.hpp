// The command line of l2_probe.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/probe/result/probe_result.hpp"
#include "l2echo/probe/run/sender.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

struct ProbeOptions {
    std::vector<std::string> eal;
    std::vector<std::string> ports;
    bool take_kernel_interface = false;
    dpdk::PortRequest port;
    std::optional<std::uint16_t> queue_pairs;  ///< as --queues says
    std::chrono::milliseconds link_wait = dpdk::kDefaultLinkWait;
    TrafficShape shape{.destination =
                           0x0153'005E'0002};  ///< without the source MAC, which is the port's, and sizes
    std::vector<std::string> sizes;  ///< each as parse_sizes() takes it: the steps of a sweep, else one
    bool grown = false;              ///< the smallest is larger than 64 though nobody typed it
    wire::SwapLevel swap_level = wire::SwapLevel::Mac;
    cli::RateRequest rate;
    SendPlan plan;  ///< without the rate
    std::optional<std::uint64_t> warm_up_frames;
    double drain_seconds = 1;  ///< how long frames may still come back
    Gates gates;
    bool json = false;
    std::string histogram_file;  ///< empty: none
    std::string search;          ///< empty, "ndr" or "pdr"
    std::string sweep_folder;    ///< empty: no sweep
    double trial_seconds = 1;    ///< of each trial of a search
    std::string command;         ///< the whole command line, as a shell takes it
};

struct ProbeCommandLine {
    ProbeOptions options;
    std::optional<std::string> print;
};

/// Throws UsageError.
ProbeCommandLine parse_probe_command_line(const std::vector<std::string>& arguments);

}  // namespace l2echo::probe
