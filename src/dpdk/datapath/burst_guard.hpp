// Keeps bursts out of a driver until the link of its port is up.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <vector>

namespace l2echo::dpdk {

/// Replaces the burst functions of one port, for net_memif (DPDK 22.11; the source of 26.07-rc4 is the same).
///
/// When the peer connects, the driver maps the rings on EAL's interrupt thread, stores their address and sets
/// a flag. A burst of that driver (eth_memif_rx(), eth_memif_tx()) computes the address of its ring before it
/// tests the flag. Preempted in between, it continued with an address from a null pointer: a segmentation
/// fault in 3 of about 60 connections with all CPUs busy, where the interrupt thread preempts the very lcore
/// that polls. So no burst begins before the driver has said that the link is up, which it does last.
class BurstGuard {
  public:
    /// The port has been started, and no lcore polls it yet. The guard must live until the port is stopped,
    /// which makes DPDK replace the functions again.
    BurstGuard(std::uint16_t port, std::uint16_t queue_pairs);
    BurstGuard(const BurstGuard&) = delete;
    BurstGuard& operator=(const BurstGuard&) = delete;
    ~BurstGuard() = default;

  private:
    /// One direction of one queue. Its burst gets this instead of the driver's queue.
    struct alignas(RTE_CACHE_LINE_SIZE) Queue {
        std::uint16_t (*burst)(void* queue, rte_mbuf** frames, std::uint16_t count);  ///< the driver's
        void* driver_queue;
        std::uint64_t seen_up_at;  ///< driver_unmappings() when the link was last seen up; only of the worker
        std::uint16_t port;
    };

    static bool is_up(Queue& queue) noexcept;
    static std::uint16_t guarded_burst(void* queue, rte_mbuf** frames, std::uint16_t count) noexcept;

    std::vector<Queue> queues_;  ///< RX, then TX
    std::vector<void*> arguments_;
};

}  // namespace l2echo::dpdk
