#include "l2echo/engine/idle.hpp"

#include <rte_cpuflags.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_power_intrinsics.h>
#include <sys/prctl.h>

#include <thread>

namespace l2echo::engine {
namespace {

constexpr std::uint64_t kPausesASecond = 1'000'000;
constexpr std::uint64_t kMonitoringsASecond = 1000;  // at least: the loop also has other work than frames

rte_cpu_intrinsics read_intrinsics() noexcept {
    rte_cpu_intrinsics intrinsics{};
    rte_cpu_get_intrinsics_support(&intrinsics);
    return intrinsics;
}

void pause_a_little() noexcept {
    static const bool cpu_can_wait = read_intrinsics().power_pause != 0;
    const std::uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / kPausesASecond;
    if (cpu_can_wait && rte_power_pause(end) == 0)
        return;
    while (rte_rdtsc() < end)
        rte_pause();
}

/// Skips queue pairs that were asked to end: the next iteration ends them.
void monitor(std::span<QueuePair* const> pairs) noexcept {
    std::array<rte_power_monitor_cond, RTE_MAX_ETHPORTS> conditions;
    std::uint32_t count = 0;
    for (const QueuePair* pair : pairs)
        if (pair->is_polled() &&
            rte_eth_get_monitor_addr(pair->port(), pair->queue(), &conditions[count]) == 0)
            ++count;
    const std::uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / kMonitoringsASecond;
    if (count == 1)
        rte_power_monitor(conditions.data(), end);
    else if (count > 1)
        rte_power_monitor_multi(conditions.data(), count, end);
}

}  // namespace

MonitorSupport read_monitor_support() noexcept {
    const rte_cpu_intrinsics intrinsics = read_intrinsics();
#ifdef RTE_ARCH_X86
    // Since DPDK 23.11, AMD's MONITORX also counts as support, but MWAITX takes a duration where UMWAIT takes
    // a deadline, so a wait would not end on time. TPAUSE comes with UMWAIT (WAITPKG), never with MWAITX.
    const bool waits_until = intrinsics.power_pause != 0;
#else
    const bool waits_until = true;
#endif
    return {waits_until && intrinsics.power_monitor != 0, waits_until && intrinsics.power_monitor_multi != 0};
}

int check_monitor(std::uint16_t port, std::uint16_t queue) noexcept {
    rte_power_monitor_cond condition;
    return rte_eth_get_monitor_addr(port, queue, &condition);
}

void prepare_to_wait(Idle idle) noexcept {
    if (idle == Idle::Sleep)
        prctl(PR_SET_TIMERSLACK, 1UL);  // 1 ns; by default the kernel adds 50 us to a sleep
}

void wait_for_frames(const IdleSettings& idle, std::span<QueuePair* const> pairs) noexcept {
    switch (idle.mode) {
        case Idle::Poll:
            return;
        case Idle::Pause:
            return pause_a_little();
        case Idle::Umwait:
            return monitor(pairs);
        case Idle::Sleep:
            return std::this_thread::sleep_for(idle.sleep);
    }
}

void sleep_until_stopped(const std::atomic<bool>& stop) noexcept {
    constexpr std::chrono::milliseconds kPoll{20};
    while (!stop.load(std::memory_order_relaxed))
        std::this_thread::sleep_for(kPoll);
}

}  // namespace l2echo::engine
