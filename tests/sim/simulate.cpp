// Runs schedules and prints what it finds, with the shortest description that still finds it.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "schedule.hpp"
#include "simulation.hpp"

namespace {

using namespace l2echo::sim;

constexpr unsigned kMaxSeconds =
    120;  // of one schedule: the slowest takes seconds, an endless loop never ends

constexpr std::string_view kUsage =
    R"(usage: simulate [--seed FIRST] [--schedules COUNT] [--findings MAX] [--no-shrink] [--list]
       simulate --schedule 'NAME=VALUE ...' [--trace]

Runs COUNT schedules (default 1) from seed FIRST (default 1) on. Each must deliver all bytes, end both sides, and leave
no timer and no memory behind. The exit status is 1 if one did not; it is printed with its seed and its parameters, and
once more with as few parameters as possible. Stops after MAX findings (default 1).

  --schedule TEXT  run this schedule, and print what happened on its wire
  --trace          print each segment when it is sent and when it arrives
  --no-shrink      do not simplify a schedule that fails
  --list           print the schedules instead of running them
)";

struct Options {
    std::uint64_t seed = 1;
    std::uint64_t schedules = 1;
    std::uint64_t findings = 1;
    std::string schedule;
    bool has_schedule = false;
    bool shrinks = true;
    bool lists = false;
    bool traces = false;
};

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    if (text.empty() || std::from_chars(text.data(), end, value).ptr != end)
        throw std::invalid_argument(fmt::format("'{}' is no number", text));
    return value;
}

Options parse(const std::vector<std::string>& words) {
    Options options;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const auto value = [&]() -> const std::string& {
            if (i + 1 == words.size())
                throw std::invalid_argument(fmt::format("{} needs a value", words[i]));
            return words[++i];
        };
        if (words[i] == "--seed")
            options.seed = number(value());
        else if (words[i] == "--schedules")
            options.schedules = number(value());
        else if (words[i] == "--findings")
            options.findings = number(value());
        else if (words[i] == "--schedule") {
            options.schedule = value();
            options.has_schedule = true;
        } else if (words[i] == "--no-shrink")
            options.shrinks = false;
        else if (words[i] == "--trace")
            options.traces = true;
        else if (words[i] == "--list")
            options.lists = true;
        else
            throw std::invalid_argument(fmt::format("'{}' is no option", words[i]));
    }
    return options;
}

// What the handler prints, because it may not format.
std::array<char, 128> running{};

extern "C" void on_fatal_signal(int signal) {
    // Nothing can be done about a failed write here.
    [[maybe_unused]] const ssize_t written =
        write(STDERR_FILENO, running.data(), std::strlen(running.data()));
    raise(signal);  // the default action, see SA_RESETHAND
}

void watch_signals() {
    struct sigaction action {};
    action.sa_handler = on_fatal_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM})
        sigaction(signal, &action, nullptr);
}

SimulationResult run(const Schedule& schedule, std::FILE* trace = nullptr) {
    fmt::format_to_n(running.data(), running.size() - 1,
                     "\nsimulate: killed while it ran the schedule of seed {}\n", schedule.at(Key::Seed));
    alarm(kMaxSeconds);
    SimulationResult result = simulate(schedule, trace);
    alarm(0);
    return result;
}

void print_result(const SimulationResult& result) {
    fmt::print("{:.6f} s, {} events, {} bytes received\n", static_cast<double>(result.duration) / 1e6,
               result.events, result.received);
    fmt::print(
        "{} segments retransmitted, {} timeouts, {} recoveries, {} undone, {} probes, {} refused for memory\n",
        result.retransmitted, result.timeouts, result.recoveries, result.undone, result.probes,
        result.memory_refused);
    for (const Side side : {Client, Server}) {
        const WireCounts& counts = result.wires.at(side);
        fmt::print(
            "{}: {} sent, {} lost ({} too big, {} queue full), {} corrupted, {} duplicated, {} reordered, "
            "{} ACKs held, {} windows shrunk\n",
            side == Client ? "client" : "server", counts.sent, counts.lost, counts.too_big, counts.queue_full,
            counts.corrupted, counts.duplicated, counts.reordered, counts.acks_held, counts.windows_shrunk);
    }
}

void report(const Schedule& schedule, const std::string& finding, bool shrinks) {
    fmt::print("seed {}: {}\n  simulate --schedule '{}'\n", schedule.at(Key::Seed), finding, schedule.text());
    std::fflush(stdout);
    if (!shrinks)
        return;
    const Schedule simplest =
        shrink(schedule, [](const Schedule& candidate) { return !run(candidate).finding.empty(); });
    fmt::print("  simplified: {}\n  simulate --schedule '{}'\n", run(simplest).finding, simplest.text());
}

int run_all(const Options& options) {
    std::uint64_t findings = 0;
    std::uint64_t ran = 0;
    SimulationResult sums;
    std::array<std::uint64_t, 4> wire{};
    for (; ran < options.schedules && findings < options.findings; ++ran) {
        const Schedule schedule = Schedule::from_seed(options.seed + ran);
        if (options.lists) {
            fmt::print("{}\n", schedule.text());
            continue;
        }
        const SimulationResult result = run(schedule);
        if (!result.finding.empty()) {
            ++findings;
            report(schedule, result.finding, options.shrinks);
        }
        sums.duration += result.duration / 1'000'000;
        sums.received += result.received;
        sums.retransmitted += result.retransmitted;
        sums.timeouts += result.timeouts;
        sums.recoveries += result.recoveries;
        sums.undone += result.undone;
        sums.resets += result.resets;
        sums.timed_out += result.timed_out;
        sums.cookies += result.cookies;
        for (const WireCounts& counts : result.wires) {
            wire[0] += counts.sent;
            wire[1] += counts.lost;
            wire[2] += counts.corrupted;
            wire[3] += counts.duplicated + counts.reordered;
        }
    }
    if (!options.lists)
        // tests/sim/run adds these up.
        fmt::print(
            "schedules={} findings={} virtual_seconds={} bytes={} segments={} lost={} corrupted={} out_of_order={} {}",
            ran, findings, sums.duration, sums.received, wire[0], wire[1], wire[2], wire[3],
            fmt::format(
                "retransmitted={} timeouts={} recoveries={} undone={} resets={} timed_out={} cookies={}\n",
                sums.retransmitted, sums.timeouts, sums.recoveries, sums.undone, sums.resets, sums.timed_out,
                sums.cookies));
    return findings == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 1 && words[0] == "--help") {
        fmt::print("{}", kUsage);
        return 0;
    }
    const Options options = parse(words);
    watch_signals();
    if (!options.has_schedule)
        return run_all(options);
    const Schedule schedule = Schedule::from_text(options.schedule);
    const SimulationResult result = run(schedule, options.traces ? stdout : nullptr);
    print_result(result);
    if (!result.finding.empty())
        fmt::print("found: {}\n", result.finding);
    return result.finding.empty() ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "simulate: error: {}; simulate --help lists the options\n", error.what());
    return 2;
}
