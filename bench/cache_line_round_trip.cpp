// cache_line_round_trip: the time in nanoseconds that a cache line takes from one CPU to another and back. In
// a virtual machine it changes within minutes, depending on where the host runs the two CPUs.
//
// cache_line_round_trip CPU CPU MILLISECONDS

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "l2echo/cli/number.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/process/program.hpp"

namespace l2echo {
namespace {

using Clock = std::chrono::steady_clock;

/// Round trips timed together: enough to make reading the clock negligible, few enough to fit between
/// interrupts.
constexpr std::uint32_t kBatch = 50;
constexpr std::uint32_t kStop = ~0u;  // odd

void run_on(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0)
        throw process::StartupError(fmt::format("this process may not use CPU {}", cpu));
}

/// Waits for a value that satisfies the condition. If other programs use the CPUs, the other thread may not
/// run for a while; a long wait yields, because both threads must run at the same time.
template <typename Predicate>
std::uint32_t wait_for(const std::atomic<std::uint32_t>& line, Predicate wanted) {
    constexpr unsigned kPatience = 10'000;
    for (unsigned reads = 1;; ++reads) {
        const std::uint32_t value = line.load(std::memory_order_acquire);
        if (wanted(value))
            return value;
        if (reads % kPatience == 0)
            std::this_thread::yield();
    }
}

/// Odd values are requests; the next even value is the answer.
void answer(std::atomic<std::uint32_t>& line) {
    for (;;) {
        const std::uint32_t question = wait_for(line, [](std::uint32_t value) { return value % 2 == 1; });
        if (question == kStop)
            return;
        line.store(question + 1, std::memory_order_release);
    }
}

void ask(std::atomic<std::uint32_t>& line, std::uint32_t question) {
    line.store(question, std::memory_order_release);
    wait_for(line, [question](std::uint32_t value) { return value == question + 1; });
}

/// The time of the fastest batch, because other load on the two CPUs can only increase it.
double measure(std::atomic<std::uint32_t>& line, std::chrono::milliseconds duration) {
    std::chrono::duration<double, std::nano> fastest = Clock::duration::max();
    std::uint32_t question = 1;
    ask(line, question);  // the other thread runs once this returns
    const auto end = Clock::now() + duration;
    do {
        const auto began = Clock::now();
        for (std::uint32_t i = 0; i < kBatch; ++i)
            ask(line, question += 2);
        fastest = std::min<decltype(fastest)>(fastest, Clock::now() - began);
    } while (Clock::now() < end);
    return fastest.count() / kBatch;
}

std::uint64_t number(const char* text, std::uint64_t max) {
    const auto value = cli::read_number(text, max);
    if (!value)
        throw process::UsageError(fmt::format("'{}' is not a number from 0 to {}", text, max));
    return *value;
}

void run(int argc, char** argv) {
    constexpr std::uint64_t kMaxMilliseconds = 10'000;
    if (argc != 4)
        throw process::UsageError("give two CPUs and a time in milliseconds, such as: 0 1 20");
    const int here = static_cast<int>(number(argv[1], CPU_SETSIZE - 1));
    const int there = static_cast<int>(number(argv[2], CPU_SETSIZE - 1));
    const std::chrono::milliseconds duration(number(argv[3], kMaxMilliseconds));
    if (here == there)
        throw process::UsageError(fmt::format("CPU {} is given twice: give two different CPUs", here));

    alignas(128) std::atomic<std::uint32_t> line{0};  // x86 prefetches lines in pairs
    run_on(here);                                     // may fail, so called before there is a thread to stop
    run_on(there);                                    // inherited by the new thread
    std::jthread other([&line] { answer(line); });
    run_on(here);
    const double nanoseconds = measure(line, duration);
    line.store(kStop, std::memory_order_release);
    fmt::print("{:.1f}\n", nanoseconds);
}

}  // namespace
}  // namespace l2echo

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string&) { l2echo::run(argc, argv); });
}
