#include "l2echo/control/options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "l2echo/control/option_table.hpp"
#include "l2echo/error.hpp"

namespace l2echo {
namespace {

/// Keeps a worker from hanging on a link that is down.
constexpr std::uint32_t kMaxTxRetries = 1'000'000;

/// "drop" is 0 tries more, "retry=N" is N.
std::uint32_t parse_tx_full(const std::string& text) {
    constexpr std::string_view kRetry = "retry=";
    if (text == "drop")
        return 0;
    std::uint32_t retries = 0;
    const char* end = text.data() + text.size();
    const bool parsed = text.starts_with(kRetry) &&
                        std::from_chars(text.data() + kRetry.size(), end, retries).ptr == end && retries > 0;
    if (!parsed || retries > kMaxTxRetries)
        throw UsageError(fmt::format("--tx-full: '{}' is neither drop nor retry=N with N from 1 to {}", text,
                                     kMaxTxRetries));
    return retries;
}

std::string program_name(const std::vector<std::string>& arguments) {
    return std::filesystem::path(arguments.at(0)).filename();
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    OptionTable table(program_name(arguments),
                      "Ethernet echo server: swaps source and destination MAC and sends every frame back");
    CommandLine line;
    Options& options = line.options;
    std::string tx_full = "drop";
    std::string stats_format = "table";
    std::optional<double> stats_interval;
    std::optional<double> duration;

    table.add_list("--ports", options.ports, "Ports to echo on: ids or device names; all when left out",
                   "Ports");
    table.add_flag("--take-kernel-interface", options.take_kernel_interface,
                   "Take the ports named in --ports even if the kernel uses their interface", "Ports");
    table.add_port_options();
    table.add_text("--tx-full", tx_full, "drop|retry=N",
                   "When the TX queue is full: drop, or retry=N times and then drop", "Echo");
    table.add_flag("--raw", options.raw, "Swap every frame of at least 14 bytes: no wire rules", "Echo");
    table.add_time(
        "--stats-interval", stats_interval,
        "Report so often, 0 for never; 1 s when left out, but off for a table that is not on a terminal",
        "Report");
    table.add_choice("--stats-format", stats_format, {"table", "json"}, "For people or for programs (NDJSON)",
                     "Report");
    table.add_time("--duration", duration, "Stop by itself after this time", "Report");

    line.print = table.parse(arguments);
    options.eal = table.eal_arguments();
    options.port = table.port_request();
    options.link_wait = table.link_wait();
    options.tx_retries = parse_tx_full(tx_full);
    options.stats_format = stats_format == "json" ? StatsFormat::Json : StatsFormat::Table;
    if (stats_interval)
        options.stats_interval = to_milliseconds(*stats_interval);
    if (duration)
        options.duration = to_milliseconds(*duration);
    return line;
}

CommandLine parse_eal_command_line(const std::vector<std::string>& arguments) {
    CommandLine line;
    const SplitArguments split = split_arguments(arguments);
    const std::string program = program_name(arguments);
    if (asks_for(split.eal, {"-h", "--help"}) || asks_for(split.ours, {"-h", "--help"}))
        line.print = fmt::format(
            "Usage: {} [EAL options]\n\nEchoes on the first port, on the main lcore, until SIGINT or "
            "SIGTERM. For more, see l2_multi_echo --help.\n",
            program);
    else if (asks_for(split.eal, {"--version"}) || asks_for(split.ours, {"--version"}))
        line.print = version_text();
    else if (!split.ours.empty())
        throw UsageError(fmt::format("{} takes EAL options only, not {}; l2_multi_echo takes more", program,
                                     split.ours.front()));
    line.options.eal = split.eal;
    return line;
}

}  // namespace l2echo
