// The frame path: one burst in, swap, one burst out. Everything that happens to every frame is here.
//
// An mbuf goes back to its pool in one of three ways, each one line in echo_burst.cpp: the driver frees it
// after sending, a refused one is freed at once, one that the TX queue did not take is freed as dropped.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "l2echo/dataplane/queue_pair_counters.hpp"
#include "l2echo/dataplane/wire_rules.hpp"

namespace l2echo {

inline constexpr std::uint16_t kMaxBurst =
    512;  ///< frames; the size of the burst's array on the worker's stack

/// RX queue i and TX queue i of a port. One worker owns it: nobody else polls it or writes its counters.
struct QueuePair {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::uint16_t burst = 32;      ///< frames asked for in one poll, 1 to kMaxBurst
    std::uint32_t tx_retries = 0;  ///< further tries before the rest of a burst is dropped
    WireRules rules;
    QueuePairCounters counters;
};

/// What is left of a burst for sending.
struct KeptFrames {
    std::uint16_t frames;
    std::uint64_t bytes;
};

/// Swaps the MACs of the frames that go back and packs them, in order, at the front of `burst`; counts and
/// frees the others. Takes ownership of all mbufs; those kept are the caller's again.
KeptFrames swap_burst(std::span<rte_mbuf*> burst, const WireRules& rules,
                      QueuePairCounters& counters) noexcept;

/// Polls the queue pair once and sends back what it got. Returns the number of frames received.
/// Called by the owning worker, on an lcore or in a test, while the port is started.
std::uint16_t echo_burst(QueuePair& pair) noexcept;

}  // namespace l2echo
