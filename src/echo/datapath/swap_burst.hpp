// Processes a burst: decides on every frame, swaps the echoes, frees the refused frames.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "l2echo/echo/echo_pair.hpp"

namespace l2echo::echo {

/// Frames of a burst that remain to be sent.
struct KeptFrames {
    std::uint16_t echoes = 0;
    std::uint16_t answers = 0;
    std::uint64_t echoed_bytes = 0;
};

/// Swaps the echoes and packs them, in order, at the front of `burst`; writes answers to `answers`; counts
/// and frees all other frames. Takes ownership of all mbufs and returns that of the kept ones. `now` is in
/// TSC cycles. Called only by the owning worker.
KeptFrames swap_burst(std::span<rte_mbuf*> burst, engine::BurstArray& answers, EchoPair& pair,
                      std::uint64_t now) noexcept;

}  // namespace l2echo::echo
