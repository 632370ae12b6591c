// What a worker does while no frames come: how politely it waits for the next one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "l2echo/engine/queue_pair.hpp"

namespace l2echo::engine {

enum class Idle : std::uint8_t {
    Poll,    ///< asks again at once
    Pause,   ///< lets the CPU rest for a microsecond between polls: TPAUSE where it has that
    Umwait,  ///< until the NIC writes the next descriptor: UMWAIT (WAITPKG) on x86
    Sleep,   ///< gives the CPU back to the kernel for a while between polls
};

/// As in options; by value of Idle.
inline constexpr std::array<std::string_view, 4> kIdleNames{"poll", "pause", "umwait", "sleep"};

struct IdleSettings {
    Idle mode = Idle::Poll;
    /// How long Idle::Sleep sleeps; waking may take the kernel as long again. What comes meanwhile waits in
    /// the RX ring.
    std::chrono::microseconds sleep{50};
};

/// Iterations in a row without a frame after which a worker begins to wait; DPDK's own power management
/// (lib/power/rte_power_pmd_mgmt.c) takes as many.
inline constexpr std::uint32_t kEmptyIterations = 512;

/// What the CPU and the drivers have for Idle::Umwait.
struct MonitorSupport {
    bool one_queue = false;       ///< the CPU waits for a write to one address
    bool several_queues = false;  ///< or to several
};
MonitorSupport read_monitor_support() noexcept;

/// 0, or the negative errno value of a driver that names no address to wait for. The port must be started.
int check_monitor(std::uint16_t port, std::uint16_t queue) noexcept;

/// Once, by the thread that is going to wait.
void prepare_to_wait(Idle idle) noexcept;

/// Waits once: for the sleep of the settings, or a millisecond at most. Umwait only where
/// read_monitor_support() and check_monitor() agree. The worker that owns the queue pairs.
void wait_for_frames(const IdleSettings& idle, std::span<QueuePair* const> pairs) noexcept;

/// Keeps a worker that has nothing to poll until `stop` is set, so that every worker starts, stops and
/// reports alike. Leaves its CPU to others.
void sleep_until_stopped(const std::atomic<bool>& stop) noexcept;

}  // namespace l2echo::engine
