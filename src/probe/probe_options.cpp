#include "l2echo/probe/probe_options.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>

#include "l2echo/control/option_table.hpp"
#include "l2echo/error.hpp"

namespace l2echo {
namespace {

std::vector<std::uint16_t> parse_vlans(const std::vector<std::string>& ids) {
    std::vector<std::uint16_t> vlans;
    for (const std::string& text : ids) {
        std::uint16_t id = 0;
        const char* end = text.data() + text.size();
        const auto number = std::from_chars(text.data(), end, id);
        if (number.ec != std::errc{} || number.ptr != end || id > 4094)
            throw UsageError(fmt::format("--vlan: '{}' is not a VLAN id from 0 to 4094", text));
        vlans.push_back(id);
    }
    if (vlans.size() > 2)
        throw UsageError("--vlan: two tags at most, outer first");
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
    const RateRequest required = parse_rate(*rate, "--require-rate");
    if (required.frames_per_second > 0)
        gates.frames_per_second = required.frames_per_second;
    else if (required.bits_per_second > 0)
        gates.bits_per_second_l1 = required.bits_per_second;
    else
        throw UsageError("--require-rate: give frames or bits per second, such as 1Mpps or 10Gbps");
    return gates;
}

}  // namespace

ProbeCommandLine parse_probe_command_line(const std::vector<std::string>& arguments) {
    OptionTable table(std::filesystem::path(arguments.at(0)).filename(),
                      "The other end of the wire: sends numbered frames and checks each one that comes back");
    ProbeCommandLine line;
    ProbeOptions& options = line.options;
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
    table.add_text("--size", options.sizes, "SIZES",
                   "Frame sizes with FCS: 64; 64,512; 512-1024 at random; imix", "Traffic");
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
    parse_sizes(options.sizes, options.shape);
    options.shape.network = parse_network(network);
    options.shape.vlan_ids = parse_vlans(vlans);
    options.shape.destination = parse_mac(destination, "--destination");
    options.swap_level = parse_swap_level(swap, "--swap");
    options.rate = parse_rate(rate, "--rate");
    if (count)
        options.plan.frames = *count;
    if (duration || !count)
        options.plan.seconds = duration.value_or(10);
    options.json = format == "json";
    if (search != "none")
        options.search = search;
    options.gates = make_gates(loss, p99, required_rate);
    return line;
}

}  // namespace l2echo
