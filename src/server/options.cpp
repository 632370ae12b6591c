#include "l2echo/server/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "l2echo/cli/mac.hpp"
#include "l2echo/cli/option_table.hpp"
#include "l2echo/cli/rate.hpp"
#include "l2echo/cli/time.hpp"
#include "l2echo/dpdk/version.hpp"
#include "l2echo/echo/match_text.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::server {
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
        throw process::UsageError(fmt::format(
            "--tx-full: '{}' is neither drop nor retry=N with N from 1 to {}", text, kMaxTxRetries));
    return retries;
}

/// Shorter naps would be little but system calls; longer ones would hold back what a turn looks after besides
/// frames.
constexpr std::chrono::microseconds kShortestNap{10};
constexpr std::chrono::microseconds kLongestNap{10'000};

engine::IdleSettings parse_idle(const std::string& text) {
    constexpr std::string_view kNap = "sleep=";
    engine::IdleSettings idle;
    if (text.starts_with(kNap)) {
        idle.way = engine::Idle::Sleep;
        const std::chrono::duration<double> nap{cli::parse_seconds(text.substr(kNap.size()), "--idle sleep")};
        if (nap < kShortestNap || nap > kLongestNap)
            throw process::UsageError(fmt::format("--idle sleep={}: give {}us to {}us",
                                                  text.substr(kNap.size()), kShortestNap.count(),
                                                  kLongestNap.count()));
        idle.nap = std::chrono::round<std::chrono::microseconds>(nap);
        return idle;
    }
    const auto way = std::ranges::find(engine::kIdleNames, text);
    if (way == engine::kIdleNames.end())
        throw process::UsageError(
            fmt::format("--idle: '{}' is none of {}, sleep=TIME", text, fmt::join(engine::kIdleNames, ", ")));
    idle.way = static_cast<engine::Idle>(way - engine::kIdleNames.begin());
    return idle;
}

/// What the command line says about the rules, as typed.
struct RuleTexts {
    bool raw = false;
    std::string accept = "any";
    std::string group = "refuse";
    std::string swap = "mac";
    std::vector<std::string> match;
    std::optional<std::string> only_from;
    std::optional<std::string> max_rate;
    std::vector<std::string> addresses;
    bool eth_loopback = false;
    bool no_loop_check = false;
};

void add_rule_options(cli::OptionTable& table, RuleTexts& texts) {
    constexpr const char* kGroup = "Rules";
    table.add_flag("--raw", texts.raw, "Swap every frame of at least 14 bytes: no wire rules, no loop check",
                   kGroup);
    table.add_choice("--accept", texts.accept, {"any", "own"},
                     "Echo unicast frames to any MAC, or to the port's own MAC only", kGroup);
    table.add_choice("--group", texts.group, {"refuse", "own-source"},
                     "Frames to a group: refuse, or answer with the port's own MAC as source", kGroup);
    table.add_choice("--swap", texts.swap, {wire::kSwapLevelNames.begin(), wire::kSwapLevelNames.end()},
                     "What is exchanged; a frame that lacks it is refused", kGroup);
    table.add_repeated(
        "--match", texts.match, "RULE",
        "Echo what fits: [refuse,]KEY=VALUE,... with src-mac, dst-mac, vlan, ethertype, src-ip, "
        "dst-ip, udp-src, udp-dst, tcp-src, tcp-dst; repeated, the first rule that fits decides; echo "
        "alone fits all",
        kGroup);
    table.add_text("--only-from", texts.only_from, "MAC", "Echo frames from this tester only", kGroup);
    table.add_text(
        "--max-rate", texts.max_rate, "RATE",
        "Echo no more than this on each port, an equal part on each of its queue pairs: 1Mpps, 10Gbps",
        kGroup);
    table.add_list("--ip", texts.addresses,
                   "Answer ARP, neighbour solicitations and ping for these, such as 192.0.2.1/24", kGroup);
    table.add_flag("--eth-lb", texts.eth_loopback, "Answer ETH-LB loopback messages to the port's own MAC",
                   kGroup);
    table.add_flag("--no-loop-check", texts.no_loop_check,
                   "Send no loop checks and heed none: nothing ends a storm between two reflectors", kGroup);
}

void refuse_rules_beside_raw(const RuleTexts& texts) {
    const RuleTexts none;
    const char* other = texts.accept != none.accept ? "--accept"
                        : texts.group != none.group ? "--group"
                        : texts.swap != none.swap   ? "--swap"
                        : !texts.match.empty()      ? "--match"
                        : texts.only_from           ? "--only-from"
                        : !texts.addresses.empty()  ? "--ip"
                        : texts.eth_loopback        ? "--eth-lb"
                                                    : nullptr;
    if (texts.raw && other != nullptr)
        throw process::UsageError(
            fmt::format("--raw has no rules, so {} says nothing: leave out one of them", other));
}

cli::RateRequest parse_max_rate(const std::string& text) {
    const cli::RateRequest rate = cli::parse_rate(text, "--max-rate");
    if (rate.frames_per_second + rate.bits_per_second == 0)
        throw process::UsageError("--max-rate: give frames or bits per second, such as 1Mpps or 10Gbps");
    return rate;
}

void apply_rules(const RuleTexts& texts, Options& options) {
    refuse_rules_beside_raw(texts);
    echo::WireRules& rules = options.rules;
    rules.raw = texts.raw;
    rules.accept_own_only = texts.accept == "own";
    rules.group_own_source = texts.group == "own-source";
    rules.level = *wire::swap_level_named(texts.swap);
    for (const std::string& rule : texts.match)
        rules.match.add(echo::parse_match_rule(rule, "--match"));
    if (texts.only_from) {
        rules.only_from = cli::parse_mac(*texts.only_from, "--only-from");
        if (rules.only_from == 0 || wire::is_group(rules.only_from))
            throw process::UsageError(fmt::format("--only-from: {} is no station's MAC", *texts.only_from));
    }
    if (texts.max_rate)
        options.max_rate = parse_max_rate(*texts.max_rate);
    for (const std::string& address : texts.addresses)
        echo::parse_interface(address, "--ip", rules.answers);
    rules.answers.eth_loopback = texts.eth_loopback;
    options.loop_check = !texts.raw && !texts.no_loop_check;
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
    constexpr std::uint64_t kMostTraced = 1'000'000'000;
    if (options.trace > kMostTraced)
        throw process::UsageError(fmt::format("--trace: {} frames at most", kMostTraced));
}

std::chrono::milliseconds to_session_time(double seconds) {
    if (seconds == 0)
        throw process::UsageError(
            "--expire: 0 would end the session before it began; leave it out, or give 60s");
    return cli::to_milliseconds(seconds);
}

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& arguments) {
    cli::OptionTable table(
        program_name(arguments),
        "Ethernet echo server: swaps source and destination MAC and sends every frame back");
    CommandLine line;
    Options& options = line.options;
    std::string tx_full = "drop";
    std::string idle = "poll";
    std::string stats_format = "table";
    std::optional<double> stats_interval;
    std::optional<double> duration;
    std::optional<double> expire;
    std::optional<std::uint64_t> trace;
    RuleTexts rules;

    table.add_list("--ports", options.ports, "Ports to echo on: ids or device names; all when left out",
                   "Ports");
    table.add_flag("--take-kernel-interface", options.take_kernel_interface,
                   "Take the ports named in --ports even if the kernel uses their interface", "Ports");
    table.add_port_options();
    table.add_text("--tx-full", tx_full, "drop|retry=N",
                   "When the TX queue is full: drop, or retry=N times and then drop", "Echo");
    table.add_text(
        "--idle", idle, "poll|pause|umwait|sleep|sleep=TIME",
        "While no frames come: poll at once again, pause for 1 us, wait for the NIC (umwait), or sleep "
        "for TIME (50us), which leaves the CPU to others",
        "Echo");
    add_rule_options(table, rules);
    table.add_time("--expire", expire, "Echo for this time from start or from arming, then refuse",
                   "Session");
    table.add_flag("--disarmed", options.disarmed, "Start without echoing; the control socket arms",
                   "Session");
    table.add_text("--control-socket", options.control_socket, "PATH",
                   "Take commands on a socket there: status, arm, disarm, trace", "Session");
    table.add_number("--trace", trace, "Tell of the next N frames what they are and what became of them",
                     "Session");
    table.add_text("--trace-file", options.trace_file, "FILE", "Write traced frames there too, as pcapng",
                   "Session");
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
    options.idle = parse_idle(idle);
    apply_rules(rules, options);
    if (expire)
        options.expire = to_session_time(*expire);
    options.trace = trace.value_or(0);
    refuse_useless_session(options);
    options.stats_format = stats_format == "json" ? StatsFormat::Json : StatsFormat::Table;
    if (stats_interval)
        options.stats_interval = cli::to_milliseconds(*stats_interval);
    if (duration)
        options.duration = cli::to_milliseconds(*duration);
    return line;
}

CommandLine parse_eal_command_line(const std::vector<std::string>& arguments) {
    CommandLine line;
    const cli::SplitArguments split = cli::split_arguments(arguments);
    const std::string program = program_name(arguments);
    if (cli::asks_for(split.eal, {"-h", "--help"}) || cli::asks_for(split.ours, {"-h", "--help"}))
        line.print = fmt::format(
            "Usage: {} [EAL options]\n\nEchoes on the first port, on the main lcore, until SIGINT or "
            "SIGTERM. For more, see l2_multi_echo --help.\n",
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
