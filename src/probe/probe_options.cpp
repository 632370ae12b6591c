#include "l2echo/probe/probe_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "l2echo/cli/mac.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

std::vector<std::uint16_t> parse_vlans(const std::vector<std::string>& ids) {
    std::vector<std::uint16_t> vlans;
    for (const std::string& text : ids) {
        std::uint16_t id = 0;
        const char* end = text.data() + text.size();
        const auto number = std::from_chars(text.data(), end, id);
        if (number.ec != std::errc{} || number.ptr != end || id > 4094)
            throw process::UsageError(fmt::format("--vlan: '{}' is not a VLAN id from 0 to 4094", text));
        vlans.push_back(id);
    }
    if (vlans.size() > 2)
        throw process::UsageError("--vlan: two tags at most, outer first");
    return vlans;
}

Network parse_network(const std::string& name) {
    return name == "ipv4" ? Network::Ipv4 : name == "ipv6" ? Network::Ipv6 : Network::None;
}

Gates make_gates(std::optional<std::uint64_t> loss, std::optional<double> p99,
                 const std::optional<std::string>& rate) {
    Gates gates;
    gates.loss = loss;
    gates.p99_seconds = p99;
    if (!rate)
        return gates;
    const cli::RateRequest required = cli::parse_rate(*rate, "--require-rate");
    if (required.frames_per_second > 0)
        gates.frames_per_second = required.frames_per_second;
    else if (required.bits_per_second > 0)
        gates.bits_per_second_l1 = required.bits_per_second;
    else
        throw process::UsageError("--require-rate: give frames or bits per second, such as 1Mpps or 10Gbps");
    return gates;
}

/// RFC 2544 section 9.1, and the mix.
constexpr const char* kSweepSizes = "64,128,256,512,1024,1280,1518,imix";

/// The steps of a sweep.
std::vector<std::string> split_sizes(const std::string& text) {
    std::vector<std::string> sizes;
    std::istringstream stream(text + ",");
    for (std::string size; std::getline(stream, size, ',');) {
        TrafficShape shape;
        parse_sizes(size, shape);
        if (std::ranges::find(sizes, size) != sizes.end())
            throw process::UsageError(fmt::format("--size: {} is there twice", size));
        sizes.push_back(size);
    }
    return sizes;
}

/// Words that a shell would change are quoted.
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

/// A search runs many trials: what is about one run would have no effect.
void refuse_single_run_options(const ProbeOptions& options,
                               const std::vector<std::pair<const char*, bool>>& given) {
    for (const auto& [name, is_given] : given)
        if (is_given)
            throw process::UsageError(fmt::format("{} is about a single run: it does not go with {}", name,
                                                  options.sweep_folder.empty() ? "--search" : "--sweep"));
}

}  // namespace

ProbeCommandLine parse_probe_command_line(const std::vector<std::string>& arguments) {
    cli::OptionTable table(
        std::filesystem::path(arguments.at(0)).filename(),
        "The other end of the wire: sends numbered frames and checks each one that comes back");
    ProbeCommandLine line;
    ProbeOptions& options = line.options;
    std::optional<std::string> sizes;
    std::string network = "ipv4";
    std::vector<std::string> vlans;
    std::string destination = "02:00:5e:00:53:01";
    std::string swap = "mac";
    std::string rate = "max";
    std::optional<std::uint64_t> count;
    std::optional<double> duration;
    std::string format = "text";
    std::string search = "none";
    std::optional<std::uint64_t> loss;
    std::optional<double> p99;
    std::optional<std::string> required_rate;

    table.add_list("--ports", options.ports, "The port to use: id or device name; the first when left out",
                   "Ports");
    table.add_flag("--take-kernel-interface", options.take_kernel_interface,
                   "Take the port named in --ports even if the kernel uses its interface", "Ports");
    table.add_port_options();
    table.add_number("--queues", options.queue_pairs, 1, 1024,
                     "Queue pairs, each with its own sender and checker; one for every two lcores beside the "
                     "main one when left out",
                     "Ports");
    table.add_text("--size", sizes, "SIZES",
                   "Frame sizes with FCS: 64, when left out; 64,512 in turn; 512-1024 at random; imix",
                   "Traffic");
    table.add_choice("--network", network, {"ipv4", "ipv6", "none"},
                     "What the frames carry: UDP over it, or nothing", "Traffic");
    table.add_list("--vlan", vlans, "VLAN ids, outer first: none, one or two", "Traffic");
    table.add_number("--flows", options.shape.flows, 1, 65535,
                     "Streams, told apart by UDP source port, without network by source MAC", "Traffic");
    table.add_text("--destination", destination, "MAC", "MAC of the far end; a promiscuous one takes any",
                   "Traffic");
    table.add_choice("--swap", swap, {"mac", "mac+ip", "mac+ip+port"}, "What the far end must have exchanged",
                     "Traffic");
    table.add_text("--rate", rate, "RATE",
                   "1000 or 1kpps (frames), 10Gbps (layer 1), 50% (of link speed), max", "Traffic");
    table.add_number("--count", count, "Send this many frames", "Traffic");
    table.add_time("--duration", duration, "Send for this time; 10 s when neither is given", "Traffic");
    table.add_number(
        "--warm-up", options.warm_up_frames,
        "First send this many frames that do not count, so that rings, caches and pages are warm", "Traffic");
    table.add_time("--drain", options.drain_seconds, "Wait so long for the last frames", "Traffic");
    table.add_choice("--search", search, {"none", "ndr", "pdr"},
                     "Find the highest rate that loses nothing, or at most 0.5 %; --rate is the most to try",
                     "Search");
    table.add_time("--trial", options.trial_seconds, "Length of each trial of a search", "Search");
    table.add_text(
        "--sweep", options.sweep_folder, "FOLDER",
        "Search at each --size (RFC 2544's and imix when left out), NDR and PDR when --search names "
        "neither; tables, JSON and plots into this folder",
        "Search");
    table.add_choice("--format", format, {"text", "json"}, "Result for people or for programs", "Result");
    table.add_text("--histogram", options.histogram_file, "FILE",
                   "Write the round trips in microseconds as an HdrHistogram percentile file", "Result");
    table.add_number("--require-loss", loss, "Exit status 1 when more frames are lost", "Result");
    table.add_time("--require-p99", p99, "Exit status 1 when the 99th percentile of the round trip is longer",
                   "Result");
    table.add_text("--require-rate", required_rate, "RATE", "Exit status 1 when less was sent", "Result");

    line.print = table.parse(arguments);
    options.eal = table.eal_arguments();
    options.port = table.port_request();
    options.link_wait = table.link_wait();
    options.command = command_of(arguments);
    options.sizes = sizes.value_or("64");
    if (options.sweep_folder.empty())
        parse_sizes(options.sizes, options.shape);
    else
        options.sweep_sizes = split_sizes(sizes.value_or(kSweepSizes));
    options.shape.network = parse_network(network);
    options.shape.vlan_ids = parse_vlans(vlans);
    options.shape.destination = cli::parse_mac(destination, "--destination");
    options.swap_level = *wire::swap_level_named(swap);
    options.rate = cli::parse_rate(rate, "--rate");
    if (count)
        options.plan.frames = *count;
    if (duration || !count)
        options.plan.seconds = duration.value_or(10);
    options.json = format == "json";
    if (search != "none")
        options.search = search;
    if (!options.search.empty() || !options.sweep_folder.empty())
        refuse_single_run_options(options, {{"--count", count.has_value()},
                                            {"--duration", duration.has_value()},
                                            {"--histogram", !options.histogram_file.empty()},
                                            {"--require-loss", loss.has_value()},
                                            {"--require-p99", p99.has_value()},
                                            {"--require-rate", required_rate.has_value()}});
    options.gates = make_gates(loss, p99, required_rate);
    return line;
}

}  // namespace l2echo::probe
