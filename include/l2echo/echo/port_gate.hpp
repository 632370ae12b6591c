// Whether a port echoes at all at this moment: armed, not expired, not facing another reflector.
#pragma once

#include <rte_common.h>

#include <atomic>
#include <cstdint>
#include <limits>

#include "l2echo/echo/wire_rules.hpp"

namespace l2echo::echo {

/// What a loop check that arrived says about the far end.
enum class Facing : std::uint8_t { Nobody, OurOwnChecks, AnotherReflector };

/// One cache line that all workers of the port read with every burst and hardly anybody writes.
class alignas(RTE_CACHE_LINE_SIZE) PortGate {
  public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    /// Times are TSC cycles. Main lcore and control thread.
    void arm(std::uint64_t expires_at = kNever) noexcept {
        expires_at_.store(expires_at, std::memory_order_relaxed);
        facing_.store(Facing::Nobody, std::memory_order_relaxed);
        armed_.store(true, std::memory_order_relaxed);
    }
    void disarm() noexcept { armed_.store(false, std::memory_order_relaxed); }
    void forget_far_end() noexcept { facing_.store(Facing::Nobody, std::memory_order_relaxed); }

    /// The worker that received a check.
    void face(Facing far_end) noexcept { facing_.store(far_end, std::memory_order_relaxed); }

    /// Workers, once a burst. None: the port echoes.
    Refusal closed_by(std::uint64_t now) const noexcept {
        if (!armed_.load(std::memory_order_relaxed))
            return Refusal::Disarmed;
        if (now >= expires_at_.load(std::memory_order_relaxed))
            return Refusal::Expired;
        return facing() == Facing::Nobody ? Refusal::None : Refusal::FacingReflector;
    }

    /// Also while facing a reflector, so that it learns of us. Worker of queue pair 0.
    bool may_send_checks(std::uint64_t now) const noexcept {
        const Refusal reason = closed_by(now);
        return reason == Refusal::None || reason == Refusal::FacingReflector;
    }

    Facing facing() const noexcept { return facing_.load(std::memory_order_relaxed); }
    std::uint64_t expires_at() const noexcept { return expires_at_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> armed_{true};
    std::atomic<Facing> facing_{Facing::Nobody};
    std::atomic<std::uint64_t> expires_at_{kNever};
};

}  // namespace l2echo::echo
