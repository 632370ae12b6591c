// Tracks the lcores that poll ports, so that other threads can wait until they no longer use something, and
// can see that they still run.
#pragma once

#include <rte_rcu_qsbr.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace l2echo::dpdk {

/// The lcores that are polling now. One per process, owned by Eal.
///
/// When the peer of a memif disconnects, the driver unmaps the rings on EAL's interrupt thread. It keeps the
/// lcores out with a flag that they read at the start of a burst, but does not wait for a burst in progress.
/// An lcore in the middle of a burst then caused a segmentation fault, in 4 of 104 disconnects with all CPUs
/// busy (DPDK 22.11, drivers/net/memif: memif_disconnect(), eth_memif_rx(); the source of 26.11-rc0 is the
/// same). So this program replaces munmap(), which the drivers also call: on the interrupt thread, it waits
/// until each lcore has ended its turn.
class PollingLcores {
  public:
    /// Throws StartupError.
    PollingLcores();
    ~PollingLcores();
    PollingLcores(const PollingLcores&) = delete;
    PollingLcores& operator=(const PollingLcores&) = delete;

    /// Waits until each lcore that was polling at the time of the call has ended a turn or stopped polling.
    /// Returns false if `limit` expires first. Must not be called by a thread that polls.
    bool wait_for_turn(std::chrono::milliseconds limit) noexcept;

    /// How often a driver has unmapped memory on the interrupt thread, such as that of a memif whose peer has
    /// left. It is counted before the wait. Any thread.
    static std::uint64_t driver_unmappings() noexcept { return unmappings_.load(std::memory_order_acquire); }
    /// Called on the interrupt thread, before it unmaps memory.
    static void count_unmapping() noexcept { unmappings_.fetch_add(1, std::memory_order_release); }

    /// Returns a mark for stalled_since(). Any thread.
    std::uint64_t mark() noexcept { return rte_rcu_qsbr_start(lcores_.get()); }
    /// Returns an lcore that was polling at the time of the mark, still does, and has not ended a turn since;
    /// empty if there is none. Any thread.
    std::optional<unsigned> stalled_since(std::uint64_t mark) const noexcept;

    /// Returns the instance of the process; nullptr without an Eal.
    static PollingLcores* current() noexcept;

  private:
    friend class PollingLcore;

    struct Free {
        void operator()(rte_rcu_qsbr* memory) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, Free> lcores_;
    // Global, because munmap() has no argument for it.
    inline static std::atomic<std::uint64_t> unmappings_{0};
};

/// Registers the calling lcore as polling, from construction to destruction.
class PollingLcore {
  public:
    PollingLcore() noexcept;
    ~PollingLcore();
    PollingLcore(const PollingLcore&) = delete;
    PollingLcore& operator=(const PollingLcore&) = delete;

    /// Called once per turn, between bursts, when the lcore holds no reference to driver memory.
    void end_turn() const noexcept {
        if (lcores_ != nullptr) [[likely]]
            rte_rcu_qsbr_quiescent(lcores_, id_);
    }

  private:
    static rte_rcu_qsbr* lcores_of_process() noexcept;

    rte_rcu_qsbr* const lcores_;  ///< nullptr without an Eal, and on a thread that is not an lcore
    const unsigned id_;
};

}  // namespace l2echo::dpdk
