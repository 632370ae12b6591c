// The gate of a port: it echoes only while it is armed, not expired, and not facing a reflector or a loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "l2echo/verdict/arming_state.hpp"

namespace l2echo::echo {

/// All workers of the port read it on every burst; it is rarely written.
class Gate {
  public:
    static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

    /// Called by the main lcore and control threads. Times are TSC cycles.
    void arm(std::uint64_t expires_at = kNever) noexcept {
        expires_at_.store(expires_at, std::memory_order_relaxed);
        facing_.store(verdict::Facing::Nobody, std::memory_order_relaxed);
        armed_.store(true, std::memory_order_relaxed);
    }
    void disarm() noexcept { armed_.store(false, std::memory_order_relaxed); }
    void forget_peer() noexcept { facing_.store(verdict::Facing::Nobody, std::memory_order_relaxed); }

    /// Called by the worker that received the port's own check.
    void face(verdict::Facing peer) noexcept { facing_.store(peer, std::memory_order_relaxed); }

    /// Workers, once per burst: returns why the port does not echo; None if it echoes.
    verdict::Reason closed_by(std::uint64_t now) const noexcept {
        if (!armed_.load(std::memory_order_relaxed))
            return verdict::Reason::Disarmed;
        if (now >= expires_at_.load(std::memory_order_relaxed))
            return verdict::Reason::Expired;
        return facing() == verdict::Facing::Nobody ? verdict::Reason::None : verdict::Reason::FacingReflector;
    }

    /// Worker of queue pair 0. True even while the port has stopped because of a loop, which may be gone by
    /// now.
    bool may_send_checks(std::uint64_t now) const noexcept {
        const verdict::Reason reason = closed_by(now);
        return reason == verdict::Reason::None || reason == verdict::Reason::FacingReflector;
    }

    verdict::Facing facing() const noexcept { return facing_.load(std::memory_order_relaxed); }
    std::uint64_t expires_at() const noexcept { return expires_at_.load(std::memory_order_relaxed); }

  private:
    std::atomic<bool> armed_{true};
    std::atomic<verdict::Facing> facing_{verdict::Facing::Nobody};
    std::atomic<std::uint64_t> expires_at_{kNever};
};

}  // namespace l2echo::echo
