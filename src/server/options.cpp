#include "l2echo/server/options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/cli/mac.hpp"
#include "l2echo/cli/number.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/cli/time.hpp"
#include "l2echo/dpdk/eal_arguments.hpp"
#include "l2echo/dpdk/port_options.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/echo/match_text.hpp"
#include "l2echo/process/error.hpp"
#include "server/echo_commands.hpp"

namespace l2echo::server {
namespace {

/// Keeps a worker from hanging while the link is down.
constexpr std::uint32_t kMaxTxRetries = 1'000'000;

/// Returns the number of retries: 0 for "drop", N for "retry=N".
std::uint32_t parse_tx_full(const std::string& text, const char* option) {
    constexpr std::string_view kRetry = "retry=";
    if (text == "drop")
        return 0;
    const auto retries =
        text.starts_with(kRetry) ? cli::read_number(text.substr(kRetry.size()), kMaxTxRetries) : std::nullopt;
    if (retries.value_or(0) == 0)
        throw process::UsageError(fmt::format("{}: '{}' is neither drop nor retry=N with N from 1 to {}",
                                              option, text, kMaxTxRetries));
    return static_cast<std::uint32_t>(*retries);
}

std::string print_tx_full(std::uint32_t retries) {
    return retries == 0 ? "drop" : fmt::format("retry={}", retries);
}

/// Shorter sleeps would consist mostly of system calls; longer ones would delay the other work of an
/// iteration.
constexpr std::chrono::microseconds kMinSleep{10};
constexpr std::chrono::microseconds kMaxSleep{10'000};

engine::IdleSettings parse_idle(const std::string& text, const char* option) {
    constexpr std::string_view kSleep = "sleep=";
    if (text.starts_with(kSleep)) {
        const std::string sleep_text = text.substr(kSleep.size());
        const std::chrono::duration<double> sleep{
            cli::parse_seconds(sleep_text, fmt::format("{} sleep", option).c_str())};
        if (sleep < kMinSleep || sleep > kMaxSleep)
            throw process::UsageError(fmt::format("{} sleep={}: give {}us to {}us", option, sleep_text,
                                                  kMinSleep.count(), kMaxSleep.count()));
        return {.mode = engine::Idle::Sleep, .sleep = std::chrono::round<std::chrono::microseconds>(sleep)};
    }
    const auto* mode = std::ranges::find(engine::kIdleNames, text);
    if (mode == engine::kIdleNames.end())
        throw process::UsageError(fmt::format("{}: '{}' is none of {}, sleep=TIME", option, text,
                                              fmt::join(engine::kIdleNames, ", ")));
    return {.mode = static_cast<engine::Idle>(mode - engine::kIdleNames.begin())};
}

std::string print_idle(const engine::IdleSettings& idle) {
    if (idle.mode == engine::Idle::Sleep)
        return fmt::format("sleep={}us", idle.sleep.count());
    return std::string(engine::kIdleNames.at(static_cast<std::size_t>(idle.mode)));
}

/// Parses the MAC of a tester.
wire::MacAddress parse_unicast_mac(const std::string& text, const char* option) {
    const wire::MacAddress mac = cli::parse_mac(text, option);
    if (mac == 0 || wire::is_group(mac))
        throw process::UsageError(fmt::format("{}: {} is not a unicast MAC address", option, text));
    return mac;
}

std::chrono::milliseconds parse_session_time(const std::string& text, const char* option) {
    const double seconds = cli::parse_seconds(text, option);
    if (seconds == 0)
        throw process::UsageError(
            fmt::format("{}: 0 would end the session before it began; leave it out, or give 60s", option));
    return cli::to_milliseconds(seconds);
}

void add_port_options(cli::OptionTable& table, Options& options) {
    constexpr const char* kGroup = "Ports";
    table.add({.name = "--ports",
               .group = kGroup,
               .value = cli::list(options.ports),
               .help = "Ports to echo on: ids or device names; all when left out"});
    table.add({.name = "--take-kernel-interface",
               .group = kGroup,
               .value = cli::flag(options.take_kernel_interface),
               .help = "Take the ports named in --ports even if the kernel uses their interface"});
    dpdk::add_port_options(table, options.port, options.link_wait);
}

void add_echo_options(cli::OptionTable& table, Options& options) {
    constexpr const char* kGroup = "Echo";
    table.add({.name = "--tx-full",
               .group = kGroup,
               .value = cli::converted(options.tx_retries, "drop|retry=N", parse_tx_full, print_tx_full),
               .help = "When the TX queue is full: drop, or retry=N times and then drop"});
    table.add(
        {.name = "--idle",
         .group = kGroup,
         .value = cli::converted(options.idle, "poll|pause|umwait|sleep|sleep=TIME", parse_idle, print_idle),
         .help = "While no frames come: poll at once again, pause for 1 us, wait for the NIC (umwait), "
                 "or sleep for TIME (50us), which leaves the CPU to others"});
}

void add_rule_options(cli::OptionTable& table, Options& options) {
    constexpr const char* kGroup = "Rules";
    echo::RulesRequest& rules = options.rules;
    table.add({.name = "--raw",
               .group = kGroup,
               .value = cli::flag(rules.raw),
               .help = "Swap every frame of at least 14 bytes: no wire rules, no loop check"});
    table.add({.name = "--accept",
               .group = kGroup,
               .value = cli::choice(rules.accept_own_only, {{"any", false}, {"own", true}}),
               .help = "Echo unicast frames to any MAC, or to the port's own MAC only",
               .reloads = true});
    table.add({.name = "--group",
               .group = kGroup,
               .value = cli::choice(rules.group_own_source, {{"refuse", false}, {"own-source", true}}),
               .help = "Frames to a group: refuse, or answer with the port's own MAC as source",
               .reloads = true});
    table.add({.name = "--swap",
               .group = kGroup,
               .value = cli::choice(rules.level, wire::kSwapLevelNames),
               .help = "What is exchanged; a frame that lacks it is refused",
               .reloads = true});
    table.add({.name = "--match",
               .group = kGroup,
               .value = cli::repeated(
                   [&rules](const std::string& text, const char* option) {
                       rules.match.add(echo::parse_match_rule(text, option));
                   },
                   "RULE"),
               .help = "Echo what matches: [refuse,]KEY=VALUE,... with src-mac, dst-mac, vlan, ethertype, "
                       "src-ip, dst-ip, udp-src, udp-dst, tcp-src, tcp-dst; repeated, "
                       "the first rule that matches decides; echo alone matches all",
               .reloads = true});
    table.add({.name = "--only-from",
               .group = kGroup,
               .value = cli::converted(rules.only_from, "MAC", parse_unicast_mac),
               .help = "Echo frames from this tester only",
               .reloads = true});
    table.add({.name = "--max-rate",
               .group = kGroup,
               .value = cli::converted(options.max_rate, "RATE", cli::parse_absolute_rate),
               .help =
                   "Echo no more than this on each port, an equal part on each of its queue pairs: 1Mpps, "
                   "10Gbps",
               .reloads = true});
    table.add({.name = "--ip",
               .group = kGroup,
               .value = cli::list([&rules](const std::string& text, const char* option) {
                   echo::parse_interface(text, option, rules.answers);
               }),
               .help = "Answer ARP, neighbour solicitations and ping for these, such as 192.0.2.1/24",
               .reloads = true});
    table.add({.name = "--eth-lb",
               .group = kGroup,
               .value = cli::flag(rules.answers.eth_loopback),
               .help = "Answer ETH-LB loopback messages to the port's own MAC",
               .reloads = true});
    table.add({.name = "--loop-check",
               .group = kGroup,
               .value = cli::on_off(options.loop_check),
               .help = "Send loop checks and act on them; off, nothing ends a storm between two reflectors"});
    table.add_renamed({.old_name = "--no-loop-check", .name = "--loop-check", .value = "off"});
}

void add_session_options(cli::OptionTable& table, Options& options) {
    constexpr const char* kGroup = "Session";
    table.add({.name = "--expire",
               .group = kGroup,
               .value = cli::converted(options.expire, "TIME", parse_session_time),
               .help = "Echo for this time from start or from arming, then refuse"});
    table.add({.name = "--disarmed",
               .group = kGroup,
               .value = cli::flag(options.disarmed),
               .help = "Start without echoing; the control socket arms"});
    table.add({.name = "--control-socket",
               .group = kGroup,
               .value = cli::text(options.control_socket, "PATH"),
               .help = "Take commands on a socket there: status, arm, disarm, trace, reload"});
    table.add({.name = "--trace",
               .group = kGroup,
               .value = cli::number(options.trace, {.max = kMaxTraced, .unit = "frames"}),
               .help = "Log the next N frames with their verdicts"});
    table.add({.name = "--trace-file",
               .group = kGroup,
               .value = cli::text(options.trace_file, "FILE"),
               .help = "Write traced frames there too, as pcapng"});
    table.add(
        {.name = "--allow-dumpcap",
         .group = kGroup,
         .value = cli::flag(options.allow_dumpcap),
         .help = "Let dpdk-dumpcap capture; needs hugepages in files, which stay until the next start"});
}

void add_report_options(cli::OptionTable& table, Options& options) {
    constexpr const char* kGroup = "Report";
    table.add({.name = "--stats-interval",
               .group = kGroup,
               .value = cli::time(options.stats_interval),
               .help = "Interval of the reports, 0 for none; 1 s when left out, "
                       "but off for a table that is not on a terminal",
               .reloads = true});
    table.add({.name = "--format",
               .group = kGroup,
               .value = cli::choice(options.format, {{"table", operations::ReportFormat::Table},
                                                     {"json", operations::ReportFormat::Json}}),
               .help = "For people or for programs (NDJSON)"});
    table.add_renamed({.old_name = "--stats-format", .name = "--format"});
    table.add({.name = "--duration",
               .group = kGroup,
               .value = cli::time(options.duration),
               .help = "Stop by itself after this time"});
    table.add({.name = "--metrics",
               .group = kGroup,
               .value = cli::converted(options.metrics, "ADDRESS:PORT|unix:PATH", cli::parse_endpoint,
                                       cli::format_endpoint),
               .help = "Serve /metrics (Prometheus, OpenMetrics), /livez and /readyz over HTTP there"});
}

void refuse_rules_beside_raw(const echo::RulesRequest& rules) {
    const bool has_addresses = !rules.answers.ipv4.empty() || !rules.answers.ipv6.empty();
    const char* other = rules.accept_own_only                 ? "--accept"
                        : rules.group_own_source              ? "--group"
                        : rules.level != wire::SwapLevel::Mac ? "--swap"
                        : !rules.match.empty()                ? "--match"
                        : rules.only_from != 0                ? "--only-from"
                        : has_addresses                       ? "--ip"
                        : rules.answers.eth_loopback          ? "--eth-lb"
                                                              : nullptr;
    if (rules.raw && other != nullptr)
        throw process::UsageError(
            fmt::format("--raw has no rules, so {} has no effect: leave out one of them", other));
}

std::string program_name(const std::vector<std::string>& arguments) {
    return std::filesystem::path(arguments.at(0)).filename();
}

void refuse_useless_session(const Options& options) {
    if (options.disarmed && options.control_socket.empty())
        throw process::UsageError("--disarmed: nothing could arm it; give --control-socket PATH");
    if (!options.trace_file.empty() && options.trace == 0 && options.control_socket.empty())
        throw process::UsageError(
            "--trace-file: nothing would be traced; give --trace N or --control-socket PATH");
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    cli::OptionTable table(
        program_name(arguments),
        "Ethernet echo server: swaps source and destination MAC and sends every frame back",
        dpdk::version_text());
    CommandLine line{.options = {}, .print = {}, .arguments = arguments};
    Options& options = line.options;
    std::string instance;
    dpdk::add_instance_option(table, instance);
    table.add_log_format(options.log_format);
    add_port_options(table, options);
    add_echo_options(table, options);
    add_rule_options(table, options);
    add_session_options(table, options);
    add_report_options(table, options);
    for (const auto& [name, arguments_of, help] : kEchoCommands)
        table.add_command(name, arguments_of, help);

    line.print = table.parse(arguments);
    line.values = table.values_in_force();
    options.eal = table.eal_arguments();
    if (options.allow_dumpcap)
        options.eal = dpdk::for_dumpcap(options.eal);
    options.eal = dpdk::for_instance(instance, options.eal);
    refuse_rules_beside_raw(options.rules);
    options.loop_check = options.loop_check && !options.rules.raw;
    refuse_useless_session(options);
    if (table.checks_only() && !line.print)
        line.print = cli::kConfigurationIsValid;
    return line;
}

CommandLine parse_eal_command_line(const std::vector<std::string>& arguments) {
    CommandLine line{.options = {}, .print = {}, .arguments = arguments};
    const cli::SplitArguments split = cli::split_arguments(arguments);
    const std::string program = program_name(arguments);
    if (cli::asks_for(split.eal, {"-h", "--help"}) || cli::asks_for(split.ours, {"-h", "--help"}))
        line.print = fmt::format(
            "Usage: {} [EAL options]\n\nEchoes on the first port, on the main lcore, "
            "until SIGINT or SIGTERM;\n"
            "SIGUSR1 prints the counts so far. For more, see l2_multi_echo --help.\n",
            program);
    else if (cli::asks_for(split.eal, {"--version"}) || cli::asks_for(split.ours, {"--version"}))
        line.print = dpdk::version_text() + "\n";
    else if (!split.ours.empty())
        throw process::UsageError(fmt::format("{} takes EAL options only, not {}; l2_multi_echo takes more",
                                              program, split.ours.front()));
    line.options.eal = split.eal;
    return line;
}

}  // namespace l2echo::server
