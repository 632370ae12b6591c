// Copies the frames of a burst for a process that captures them, such as dpdk-dumpcap. DPDK calls this in
// rte_eth_rx_burst() and rte_eth_tx_burst() of a queue that is being captured.
#pragma once

#include <rte_bpf.h>
#include <rte_mempool.h>
#include <rte_pdump.h>
#include <rte_ring.h>

#include <atomic>
#include <cstdint>

namespace l2echo::dpdk {

/// Where the copies go. The capturing process owns ring and mempool, in the memory that it shares with us. It
/// takes copies from the ring and returns them to the mempool, and may be killed at any instruction of that.
/// So a worker does nothing that would wait for it: it only adds to the ring and takes from the mempool, and
/// never the reverse.
struct CaptureTarget {
    rte_ring* ring = nullptr;
    rte_mempool* mempool = nullptr;                   ///< without a cache per lcore
    const rte_bpf* filter = nullptr;                  ///< nullptr: all frames
    decltype(&rte_bpf_exec_burst) matches = nullptr;  ///< runs the filter
    std::uint32_t max_length = 0;                     ///< bytes of a frame; such a copy fits into one mbuf
    bool pcapng = false;  ///< copies begin with the header of a block of a pcapng file
    /// Places in the ring that bursts in progress have reserved. Written by all workers.
    alignas(RTE_CACHE_LINE_SIZE) std::atomic<std::uint32_t> reserved{0};
};

/// One direction of one queue; the argument of the callbacks.
struct CapturePoint {
    CaptureTarget* target = nullptr;
    struct rte_pdump_stats* counts =
        nullptr;  ///< written by the worker of the queue, read by the capturing process
};

/// Called with the frames that were received. Returns the number of frames, of which none is changed. Worker.
std::uint16_t capture_received(std::uint16_t port, std::uint16_t queue, rte_mbuf** frames,
                               std::uint16_t count, std::uint16_t max, void* point) noexcept;

/// Called with the frames that will be offered to the device, which may not accept all. Worker.
std::uint16_t capture_sent(std::uint16_t port, std::uint16_t queue, rte_mbuf** frames, std::uint16_t count,
                           void* point) noexcept;

}  // namespace l2echo::dpdk
