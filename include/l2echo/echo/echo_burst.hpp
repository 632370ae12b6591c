// The frame path: one burst in, swap, one burst out. Everything that happens to every frame is here.
//
// An mbuf goes back to its pool in one of three ways, each one line in echo_burst.cpp: the driver frees it
// after sending, a refused one is freed at once, one that the TX queue did not take is freed as dropped. A
// loop check of our own that cannot leave is freed where it was made.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <span>

#include "l2echo/engine/queue_pair.hpp"

namespace l2echo::echo {

inline constexpr std::uint16_t kMaxBurst = 512;  ///< frames; the size of the arrays on the worker's stack

using BurstArray = std::array<rte_mbuf*, kMaxBurst>;

/// What is left of a burst for sending.
struct KeptFrames {
    std::uint16_t echoes = 0;
    std::uint16_t answers = 0;
    std::uint64_t echoed_bytes = 0;
};

/// Swaps the frames that go back and packs them, in order, at the front of `burst`; puts answers into
/// `answers`; counts and frees the others. Takes ownership of all mbufs; those kept are the caller's again.
/// `now` in TSC cycles.
KeptFrames swap_burst(std::span<rte_mbuf*> burst, BurstArray& answers, engine::QueuePair& pair,
                      std::uint64_t now) noexcept;

/// Polls the queue pair once and sends back what it got. Returns the number of frames received.
/// Called by the owning worker, on an lcore or in a test, while the port is started.
std::uint16_t echo_burst(engine::QueuePair& pair, std::uint64_t now) noexcept;

/// Sends one loop check of the port, out of its own pool. False: it could not leave. Owning worker.
bool send_loop_check(engine::QueuePair& pair) noexcept;

}  // namespace l2echo::echo
