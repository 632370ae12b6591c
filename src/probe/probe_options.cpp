#include "l2echo/probe/probe_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <sstream>
#include <utility>

#include "l2echo/cli/mac.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/eal_arguments.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

/// 0 is a priority tag, 4095 is reserved (IEEE 802.1Q, table 9-2).
constexpr std::uint64_t kMaxVlan = 4094;

constexpr std::uint32_t kDefaultSize = kSmallestEthernetFrame;
constexpr double kDefaultSeconds = 10;  // if neither a number of frames nor a duration is given

/// Sizes of RFC 2544 section 9.1, and imix; the smallest size precedes them.
constexpr const char* kLargerSweepSizes = "128,256,512,1024,1280,1518,imix";

/// Splits the text into the steps of a sweep.
std::vector<std::string> split_sizes(const std::string& text) {
    std::vector<std::string> sizes;
    std::istringstream stream(text + ",");
    for (std::string size; std::getline(stream, size, ',');) {
        if (std::ranges::find(sizes, size) != sizes.end())
            throw process::UsageError(fmt::format("--size: {} is given twice", size));
        sizes.push_back(size);
    }
    return sizes;
}

/// Returns the command line, with words quoted that a shell would change.
std::string command_of(const std::vector<std::string>& arguments) {
    const auto is_plain = [](unsigned char letter) {
        return std::isalnum(letter) != 0 ||
               std::string_view("-_=,./:@%+").find(static_cast<char>(letter)) != std::string_view::npos;
    };
    std::string command;
    for (const std::string& argument : arguments) {
        command += command.empty() ? "" : " ";
        if (!argument.empty() && std::ranges::all_of(argument, is_plain)) {
            command += argument;
            continue;
        }
        command += '\'';
        for (const char letter : argument)
            command += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
        command += '\'';
    }
    return command;
}

/// Options as given. Their defaults depend on other options.
struct DependentOptions {
    std::optional<std::string> sizes;
    std::optional<std::uint64_t> count;
    std::optional<double> duration;
    std::optional<cli::RateRequest> required_rate;
};

void add_port_options(cli::OptionTable& table, ProbeOptions& options) {
    constexpr const char* kGroup = "Ports";
    table.add({.name = "--ports",
               .group = kGroup,
               .value = cli::list(options.ports),
               .help = "The port to use: id or device name; the first when left out"});
    table.add({.name = "--take-kernel-interface",
               .group = kGroup,
               .value = cli::flag(options.take_kernel_interface),
               .help = "Take the port named in --ports even if the kernel uses its interface"});
    dpdk::add_port_options(table, options.port, options.link_wait);
    table.add({.name = "--queues",
               .group = kGroup,
               .value = cli::number(options.queue_pairs, {.min = 1, .max = 1024, .unit = "queue pairs"}),
               .help = "Each with its own sender and checker; "
                       "one for every two lcores beside the main one when left out"});
}

void add_traffic_options(cli::OptionTable& table, ProbeOptions& options, DependentOptions& given) {
    constexpr const char* kGroup = "Traffic";
    TrafficShape& shape = options.shape;
    table.add({.name = "--size",
               .group = kGroup,
               .value = cli::text(given.sizes, "SIZES"),
               .help = fmt::format("Frame sizes with FCS: {} when left out, or what the headers take; "
                                   "64,512 in turn; 512-1024 at random; imix",
                                   kDefaultSize)});
    table.add(
        {.name = "--network",
         .group = kGroup,
         .value = cli::choice(shape.network,
                              {{"ipv4", Network::Ipv4}, {"ipv6", Network::Ipv6}, {"none", Network::None}}),
         .help = "What the frames carry: UDP over it, or nothing"});
    table.add({.name = "--vlan",
               .group = kGroup,
               .value = cli::list([&shape](const std::string& text, const char* option) {
                   shape.vlan_ids.push_back(
                       static_cast<std::uint16_t>(cli::parse_number(text, option, {.max = kMaxVlan})));
               }),
               .help = "VLAN ids, outer first: none, one or two"});
    table.add({.name = "--flows",
               .group = kGroup,
               .value = cli::number(shape.flows, {.min = 1}),
               .help = "Streams, distinguished by UDP source port, without network by source MAC"});
    table.add({.name = "--destination",
               .group = kGroup,
               .value = cli::converted(shape.destination, "MAC", cli::parse_mac, wire::format_mac),
               .help = "MAC address of the far end; in promiscuous mode it accepts any"});
    table.add({.name = "--swap",
               .group = kGroup,
               .value = cli::choice(options.swap_level, wire::kSwapLevelNames),
               .help = "What the far end must have exchanged"});
    table.add({.name = "--rate",
               .group = kGroup,
               .value = cli::converted(options.rate, "RATE", cli::parse_rate, cli::format_rate),
               .help = "1000 or 1kpps (frames), 10Gbps (layer 1), 50% (of link speed), max"});
    table.add({.name = "--count",
               .group = kGroup,
               .value = cli::number(given.count, {.min = 1, .max = kStampNumbers, .unit = "frames"}),
               .help = "Send this many frames"});
    table.add({.name = "--duration",
               .group = kGroup,
               .value = cli::time(given.duration),
               .help = fmt::format("Send for this time; {:g} s when neither is given", kDefaultSeconds)});
    table.add({.name = "--warm-up",
               .group = kGroup,
               .value = cli::number(options.warm_up_frames),
               .help = "First send this many frames that do not count, "
                       "so that rings, caches and pages are warm"});
    table.add({.name = "--drain",
               .group = kGroup,
               .value = cli::time(options.drain_seconds),
               .help = "How long to wait for the last frames"});
}

void add_search_options(cli::OptionTable& table, ProbeOptions& options) {
    constexpr const char* kGroup = "Search";
    table.add({.name = "--search",
               .group = kGroup,
               .value = cli::choice(options.search, {{"none", ""}, {"ndr", "ndr"}, {"pdr", "pdr"}}),
               .help = "Find the highest rate that loses nothing, or at most 0.5 %; "
                       "--rate is the highest rate to try"});
    table.add({.name = "--trial",
               .group = kGroup,
               .value = cli::time(options.trial_seconds),
               .help = "Length of each trial of a search"});
    table.add({.name = "--sweep",
               .group = kGroup,
               .value = cli::text(options.sweep_folder, "FOLDER"),
               .help = "Search at each --size (RFC 2544's and imix when left out), "
                       "NDR and PDR when --search names neither; tables, JSON and plots into this folder"});
}

void add_result_options(cli::OptionTable& table, ProbeOptions& options, DependentOptions& given) {
    constexpr const char* kGroup = "Result";
    table.add({.name = "--format",
               .group = kGroup,
               .value = cli::choice(options.format, {{"text", ResultFormat::Text},
                                                     {"json", ResultFormat::Json},
                                                     {"openmetrics", ResultFormat::OpenMetrics},
                                                     {"prometheus", ResultFormat::Prometheus}}),
               .help = "Result for people, for programs, or for monitoring systems"});
    table.add({.name = "--interval",
               .group = kGroup,
               .value = cli::time(options.interval),
               .help = "Run again and again until stopped, starting a run each time this has passed"});
    table.add(
        {.name = "--metrics",
         .group = kGroup,
         .value = cli::converted(options.metrics, "ADDRESS:PORT|unix:PATH", cli::parse_endpoint,
                                 cli::format_endpoint),
         .help = "With --interval, serve the sums of all runs over HTTP there: /metrics, /livez, /readyz"});
    table.add({.name = "--histogram",
               .group = kGroup,
               .value = cli::text(options.histogram_file, "FILE"),
               .help = "Write the round trips in microseconds as an HdrHistogram percentile file"});
    table.add({.name = "--require-loss",
               .group = kGroup,
               .value = cli::number(options.gates.loss),
               .help = "Exit status 1 when more frames are lost"});
    table.add({.name = "--require-p99",
               .group = kGroup,
               .value = cli::time(options.gates.p99_seconds),
               .help = "Exit status 1 when the 99th percentile of the round trip is longer"});
    table.add({.name = "--require-rate",
               .group = kGroup,
               .value = cli::converted(given.required_rate, "RATE", cli::parse_absolute_rate),
               .help = "Exit status 1 when less was sent"});
}

/// A search runs many trials, so options about a single run would have no effect.
void refuse_single_run_options(const ProbeOptions& options, const DependentOptions& given) {
    if (options.search.empty() && options.sweep_folder.empty())
        return;
    const Gates& gates = options.gates;
    const char* other = given.count                       ? "--count"
                        : given.duration                  ? "--duration"
                        : !options.histogram_file.empty() ? "--histogram"
                        : options.interval                ? "--interval"
                        : gates.loss                      ? "--require-loss"
                        : gates.p99_seconds               ? "--require-p99"
                        : given.required_rate             ? "--require-rate"
                                                          : nullptr;
    if (other != nullptr)
        throw process::UsageError(fmt::format("{} is about a single run: it does not go with {}", other,
                                              options.sweep_folder.empty() ? "--search" : "--sweep"));
}

bool is_for_monitoring(ResultFormat format) {
    return format == ResultFormat::OpenMetrics || format == ResultFormat::Prometheus;
}

void refuse_useless_metrics(const ProbeOptions& options) {
    if (options.interval && *options.interval == std::chrono::milliseconds::zero())
        throw process::UsageError("--interval: 0 leaves no time for a run; give 10s, for example");
    if (!options.metrics.empty() && !options.interval)
        throw process::UsageError(
            "--metrics: nobody scrapes a single run: give --interval TIME too, "
            "or write the result of one run with --format prometheus");
    if (!is_for_monitoring(options.format))
        return;
    if (options.interval)
        throw process::UsageError(
            "--format openmetrics and prometheus are for one run; with --interval, give --metrics ADDRESS:PORT");
    if (!options.search.empty() || !options.sweep_folder.empty())
        throw process::UsageError("--format openmetrics and prometheus are for a single run; give json");
}

/// Raises default sizes to what the frames need. A size given by the user is an error if it is too small.
void resolve_sizes(const std::optional<std::string>& typed, ProbeOptions& options) {
    const std::uint32_t smallest = std::max(kDefaultSize, smallest_size(options.shape));
    const bool is_sweep = !options.sweep_folder.empty();
    const std::string text = typed      ? *typed
                             : is_sweep ? fmt::format("{},{}", smallest, kLargerSweepSizes)
                                        : fmt::format("{}", smallest);
    options.sizes = is_sweep ? split_sizes(text) : std::vector{text};
    options.grown = smallest > kDefaultSize && (!typed || std::ranges::count(options.sizes, "imix") > 0);
    for (const std::string& size : options.sizes) {
        TrafficShape shape = options.shape;
        parse_sizes(size, shape);
        throw_if_too_small(shape);
    }
}

void resolve(const DependentOptions& given, ProbeOptions& options) {
    for (const auto& [name, seconds] :
         {std::pair{"--duration", given.duration.value_or(1)}, std::pair{"--trial", options.trial_seconds}})
        if (seconds == 0)
            throw process::UsageError(fmt::format("{}: 0 sends no frame; give 1s, for example", name));
    resolve_sizes(given.sizes, options);
    if (given.count)
        options.plan.frames = *given.count;
    if (given.duration || !given.count)
        options.plan.seconds = given.duration.value_or(kDefaultSeconds);
    if (!given.required_rate)
        return;
    if (given.required_rate->frames_per_second > 0)
        options.gates.frames_per_second = given.required_rate->frames_per_second;
    else
        options.gates.bits_per_second_l1 = given.required_rate->bits_per_second;
}

}  // namespace

ProbeCommandLine parse_probe_command_line(const std::vector<std::string>& arguments) {
    cli::OptionTable table(
        std::filesystem::path(arguments.at(0)).filename(),
        "The other end of the wire: sends numbered frames and checks each one that comes back",
        dpdk::version_text());
    ProbeCommandLine line;
    ProbeOptions& options = line.options;
    DependentOptions given;
    std::string instance;
    dpdk::add_instance_option(table, instance);
    table.add_log_format(options.log_format);
    add_port_options(table, options);
    add_traffic_options(table, options, given);
    add_search_options(table, options);
    add_result_options(table, options, given);

    line.print = table.parse(arguments);
    options.eal = dpdk::for_instance(instance, table.eal_arguments());
    options.command = command_of(arguments);
    if (options.ports.size() > 1)
        throw process::UsageError("--ports: the probe uses one port; start a probe for each");
    if (options.shape.vlan_ids.size() > 2)
        throw process::UsageError("--vlan: two tags at most, outer first");
    refuse_single_run_options(options, given);
    refuse_useless_metrics(options);
    resolve(given, options);
    if (table.checks_only() && !line.print)
        line.print = cli::kConfigurationIsValid;
    return line;
}

}  // namespace l2echo::probe
