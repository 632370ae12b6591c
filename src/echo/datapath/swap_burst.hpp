// What happens to every frame: a verdict each, the swap of those that go back, the end of the others.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "l2echo/echo/echo_pair.hpp"

namespace l2echo::echo {

/// What is left of a burst for sending.
struct KeptFrames {
    std::uint16_t echoes = 0;
    std::uint16_t answers = 0;
    std::uint64_t echoed_bytes = 0;
};

/// Swaps the frames that go back and packs them, in order, at the front of `burst`; writes answers to
/// `answers`; counts and frees the others. Takes ownership of all mbufs; those kept are the caller's again.
/// `now` in TSC cycles. The owning worker only.
KeptFrames swap_burst(std::span<rte_mbuf*> burst, engine::BurstArray& answers, EchoPair& pair,
                      std::uint64_t now) noexcept;

}  // namespace l2echo::echo
