// impairing_wire: a wire between two DPDK ports that limits the rate, delays every frame, and loses,
// corrupts, duplicates and reorders some, in both directions, and counts all of it exactly. Prints its counts
// as JSON when it ends.

#include <fmt/format.h>
#include <pthread.h>
#include <rte_cycles.h>
#include <time.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "impaired_direction.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/polling_lcore.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/program.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo {
namespace {

struct WireOptions {
    std::vector<std::string> eal;
    dpdk::PortRequest port;
    std::chrono::milliseconds link_wait = dpdk::kDefaultLinkWait;
    double delay_seconds = 0;
    double reorder_seconds = 0.001;
    double queue_seconds = 0.05;
    double sleep_seconds = 0;
    Impairment impairment{};
    cli::RateRequest rate{};
    std::uint64_t seed = 1;
    std::optional<std::string> print;
};

cli::RateRequest parse_line_rate(const std::string& text, const char* option) {
    const cli::RateRequest rate = cli::parse_rate(text, option);
    if (rate.frames_per_second > 0 || rate.percent_of_link > 0)
        throw process::UsageError(
            fmt::format("{}: {} is not a number of bits per second, such as 200Mbps", option, text));
    return rate;
}

WireOptions parse_options(const std::vector<std::string>& arguments) {
    cli::OptionTable table("impairing_wire", "Forwards between the first two ports, impaired",
                           dpdk::version_text());
    WireOptions options;
    dpdk::add_port_options(table, options.port, options.link_wait);
    constexpr const char* kGroup = "Wire";
    table.add({.name = "--delay",
               .group = kGroup,
               .value = cli::time(options.delay_seconds),
               .help = "Hold each frame for this time"});
    const auto add_share = [&](const char* name, std::uint32_t& share, const char* help) {
        table.add({.name = name,
                   .group = kGroup,
                   .value = cli::number(share, {.max = 1'000'000, .unit = "frames"}),
                   .help = help});
    };
    Impairment& impairment = options.impairment;
    add_share("--loss-per-million", impairment.loss_per_million, "Random loss in each direction");
    add_share("--corrupt-per-million", impairment.corrupt_per_million,
              "Invert a random bit behind the Ethernet header");
    add_share("--duplicate-per-million", impairment.duplicate_per_million, "Send the frame twice");
    add_share("--reorder-per-million", impairment.reorder_per_million,
              "Hold the frame longer, so that later ones overtake it");
    table.add({.name = "--reorder-time",
               .group = kGroup,
               .value = cli::time(options.reorder_seconds),
               .help = "How much longer a reordered frame is held"});
    table.add({.name = "--rate",
               .group = kGroup,
               .value = cli::converted(options.rate, "RATE", parse_line_rate, cli::format_rate),
               .help = "Limit each direction, for example 200Mbps at layer 1; max: no limit"});
    table.add({.name = "--queue",
               .group = kGroup,
               .value = cli::time(options.queue_seconds),
               .help = "Drop a frame that would wait longer for the rate"});
    table.add({.name = "--seed",
               .group = kGroup,
               .value = cli::number(options.seed),
               .help = "Seed of everything random"});
    table.add({.name = "--sleep",
               .group = kGroup,
               .value = cli::time(options.sleep_seconds),
               .help = "Sleep for this time between polls, at real-time priority, to share a CPU; 0: never"});
    options.print = table.parse(arguments);
    options.eal = table.eal_arguments();
    return options;
}

/// A thread that sleeps between polls needs real-time priority to get the CPU back in time.
void take_real_time_priority() {
    sched_param priority{};
    priority.sched_priority = 1;
    dpdk::throw_if_failed(-pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority),
                          "real-time priority for --sleep (needs root or CAP_SYS_NICE)");
}

Impairment in_cycles(const WireOptions& options) {
    const auto hz = static_cast<double>(rte_get_tsc_hz());
    const auto cycles = [&](double seconds) { return static_cast<std::uint64_t>(seconds * hz); };
    Impairment impairment = options.impairment;
    impairment.delay_cycles = cycles(options.delay_seconds);
    impairment.reorder_cycles = cycles(options.reorder_seconds);
    impairment.queue_cycles = cycles(options.queue_seconds);
    if (options.rate.bits_per_second > 0)
        impairment.cycles_per_byte = 8 * hz / options.rate.bits_per_second;
    return impairment;
}

nlohmann::ordered_json describe(const ImpairedDirection& direction) {
    const auto nanoseconds = [](std::uint64_t cycles) {
        return static_cast<double>(cycles) * 1e9 / static_cast<double>(rte_get_tsc_hz());
    };
    const ImpairmentCounts& counts = direction.counts();
    const probe::Histogram& held = direction.hold_time();
    return {{"from", direction.from()},
            {"to", direction.to()},
            {"received", counts.received},
            {"lost", counts.lost},
            {"overflowed", counts.overflowed},
            {"corrupted", counts.corrupted},
            {"duplicated", counts.duplicated},
            {"reordered", counts.reordered},
            {"forwarded", counts.forwarded},
            {"held_at_end", direction.held()},
            {"hold_time_ns",
             {{"min", nanoseconds(held.min())},
              {"p50", nanoseconds(held.percentile(50))},
              {"p99", nanoseconds(held.percentile(99))},
              {"max", nanoseconds(held.max())}}}};
}

nlohmann::ordered_json describe(const dpdk::Port& port) {
    const verdict::PortCounts counts = port.counts();
    return {{"name", port.name()},
            {"missed", counts[verdict::PortCount::Missed]},
            {"no_mbuf", counts[verdict::PortCount::NoMbuf]},
            {"rx_errors", counts[verdict::PortCount::RxErrors]},
            {"tx_errors", counts[verdict::PortCount::TxErrors]}};
}

void run(const std::string& program, const WireOptions& options) {
    process::StopSignal stop;
    const dpdk::Eal eal(program, options.eal);
    const std::vector<std::uint16_t> ids = dpdk::choose_ports(eal, {}, false);
    if (ids.size() != 2)
        throw process::StartupError(
            fmt::format("a wire has two ends; EAL found {} ports: give two --vdev", ids.size()));
    const std::vector<int> nodes{eal.main_lcore().numa_node};
    dpdk::Ports ports;
    for (const std::uint16_t id : ids)
        ports.emplace_back(id, options.port, nodes);
    dpdk::wait_for_links(ports, options.link_wait, stop);
    const dpdk::Port& a = ports[0];
    const dpdk::Port& b = ports[1];
    const Impairment impairment = in_cycles(options);
    const std::uint64_t seed = options.seed;
    // Drivers that copy (af_packet, memif) hold no mbufs in their rings, so this many are free for delayed
    // frames.
    const std::size_t capacity = options.port.rx_descriptors;
    ImpairedDirection there(a.id(), b.id(), capacity, impairment, seed);
    ImpairedDirection back(b.id(), a.id(), capacity, impairment, seed + 1);
    if (options.sleep_seconds > 0)
        take_real_time_priority();
    const timespec sleep{0, static_cast<long>(options.sleep_seconds * 1e9)};

    const dpdk::PollingLcore lcore;
    dpdk::log_info("Ready: forwarding between {} and {}", dpdk::port_label(a.id()), dpdk::port_label(b.id()));
    while (!stop.requested()) {
        there.poll();
        back.poll();
        lcore.end_turn();
        if (sleep.tv_nsec > 0)
            nanosleep(&sleep, nullptr);
    }
    const nlohmann::ordered_json report{{"schema", "l2echo.impairing-wire/2"},
                                        {"delay_ns", options.delay_seconds * 1e9},
                                        {"loss_per_million", impairment.loss_per_million},
                                        {"seed", seed},
                                        {"directions", {describe(there), describe(back)}},
                                        {"ports", {describe(a), describe(b)}}};
    fmt::print("{}\n", report.dump());
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        const auto options = l2echo::parse_options({argv, argv + argc});
        if (options.print)
            fmt::print("{}", *options.print);
        else
            l2echo::run(program, options);
    });
}
