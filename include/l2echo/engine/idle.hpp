// Idle modes: how a worker waits while no frames arrive, and how much CPU it leaves to others.
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
    Poll,    ///< polls again at once
    Pause,   ///< pauses the CPU for a microsecond between polls, with TPAUSE if available
    Umwait,  ///< waits until the NIC writes the next descriptor: UMWAIT (WAITPKG) on x86
    Sleep,   ///< sleeps between polls, which leaves the CPU to the kernel
};

/// Names as in options, indexed by Idle.
inline constexpr std::array<std::string_view, 4> kIdleNames{"poll", "pause", "umwait", "sleep"};

struct IdleSettings {
    Idle mode = Idle::Poll;
    /// Sleep time of Idle::Sleep; waking up may take the kernel the same time again. Meanwhile, frames wait
    /// in the RX ring.
    std::chrono::microseconds sleep{50};
};

/// Consecutive iterations without a frame after which a worker begins to wait. The same number as in DPDK's
/// own power management (lib/power/rte_power_pmd_mgmt.c).
inline constexpr std::uint32_t kEmptyIterations = 512;

/// CPU support for Idle::Umwait.
struct MonitorSupport {
    bool one_queue = false;       ///< the CPU can wait for a write to one address
    bool several_queues = false;  ///< the CPU can wait for a write to any of several addresses
};
MonitorSupport read_monitor_support() noexcept;

/// Returns 0, or a negative errno value if the driver provides no address to monitor. The port must be
/// started.
int check_monitor(std::uint16_t port, std::uint16_t queue) noexcept;

/// Called once, by the thread that will wait.
void prepare_to_wait(Idle idle) noexcept;

/// Waits once: for the sleep time of the settings, or at most a millisecond in the other modes. Umwait
/// requires support from read_monitor_support() and check_monitor(). Called by the worker that owns the queue
/// pairs.
void wait_for_frames(const IdleSettings& idle, std::span<QueuePair* const> pairs) noexcept;

/// Blocks a worker that has nothing to poll until `stop` is set, so that all workers start, stop and report
/// in the same way. Leaves its CPU to others.
void sleep_until_stopped(const std::atomic<bool>& stop) noexcept;

}  // namespace l2echo::engine
