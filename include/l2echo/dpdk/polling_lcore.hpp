// Lcores that poll ports, and the driver's thread that waits until they no longer use what it unmaps.
#pragma once

#include <rte_rcu_qsbr.h>

#include <chrono>
#include <memory>

namespace l2echo::dpdk {

/// The lcores that poll at this moment. One per process, which Eal holds.
///
/// When the peer of a memif leaves, the driver unmaps the rings on EAL's interrupt thread. It keeps the
/// lcores out by a flag that they read as a burst begins, and does not wait for a burst that has begun: an
/// lcore that was in the middle of one caused a segmentation fault, at 4 of 104 ends with all CPUs busy
/// (DPDK 22.11, drivers/net/memif: memif_disconnect(), eth_memif_rx(); the source of 26.11-rc0 reads the
/// same). So munmap() of this program, which the drivers call too, waits on that thread until each lcore has
/// ended its turn.
class PollingLcores {
  public:
    /// Throws StartupError.
    PollingLcores();
    ~PollingLcores();
    PollingLcores(const PollingLcores&) = delete;
    PollingLcores& operator=(const PollingLcores&) = delete;

    /// Returns when each lcore that polled at the call has ended a turn or left, or when the time is over:
    /// then false. Not on a thread that polls.
    bool wait_for_turn(std::chrono::milliseconds limit) noexcept;

    /// The process's; nullptr without an Eal.
    static PollingLcores* current() noexcept;

  private:
    friend class PollingLcore;

    struct Free {
        void operator()(rte_rcu_qsbr* memory) const noexcept;
    };
    std::unique_ptr<rte_rcu_qsbr, Free> lcores_;
};

/// From construction to destruction the calling lcore polls ports.
class PollingLcore {
  public:
    PollingLcore() noexcept;
    ~PollingLcore();
    PollingLcore(const PollingLcore&) = delete;
    PollingLcore& operator=(const PollingLcore&) = delete;

    /// Once a turn, between two bursts: it holds nothing of a driver's now.
    void end_turn() const noexcept {
        if (lcores_ != nullptr) [[likely]]
            rte_rcu_qsbr_quiescent(lcores_, id_);
    }

  private:
    static rte_rcu_qsbr* lcores_of_process() noexcept;

    rte_rcu_qsbr* const lcores_;  ///< nullptr without an Eal, and on a thread that is no lcore
    const unsigned id_;
};

}  // namespace l2echo::dpdk
