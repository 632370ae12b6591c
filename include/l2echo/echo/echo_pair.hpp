// A queue pair that echoes, with everything that the frame path may access: one burst in, swap, one burst
// out.
//
// An mbuf returns to its pool in one of three ways: the driver frees it after sending; a refused one is freed
// at once (swap_burst.cpp); one that the TX queue did not accept is freed as dropped (engine/queue_pair.hpp).
// A loop check of our own that cannot be sent is freed where it was built (echo_pair.cpp).
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <span>

#include "l2echo/echo/echo_port.hpp"
#include "l2echo/echo/rate_limit.hpp"
#include "l2echo/engine/queue_pair.hpp"
#include "l2echo/engine/trace.hpp"
#include "l2echo/wire/loop_check.hpp"

namespace l2echo::echo {

/// Loop checks of a port: queue pair 0 sends them, all queue pairs of the process act on them.
struct LoopCheckSettings {
    bool on = false;              ///< send checks
    rte_mempool* pool = nullptr;  ///< mbufs for the checks; not null if `on`
    wire::LoopCheckSender sender{};
    /// Gates of all ports of the process, indexed by the port number in their checks.
    std::span<Gate* const> gates{};
};

struct EchoPairSettings {
    engine::QueuePairSettings queue_pair{};
    engine::FrameTrace* trace = nullptr;  ///< null: frames cannot be traced
    LoopCheckSettings loop_check{};
};

/// A source for a worker's loop (engine/poll_loop.hpp). Used only by the owning worker.
class EchoPair {
  public:
    /// `echo_port` and everything that the settings point to must outlive this object.
    EchoPair(const EchoPairSettings& settings, EchoPort& echo_port) noexcept
        : queues(settings.queue_pair),
          port(echo_port),
          rate(echo_port.rules().rate),
          trace(settings.trace),
          loop_check(settings.loop_check),
          generation_(echo_port.rules().generation) {}

    /// Polls once and sends the echoes and answers. The port must be started. Returns the number of frames
    /// received. `now` is in TSC cycles.
    std::uint32_t poll(std::uint64_t now) noexcept;
    /// Sends the port's loop check if it is due. Returns the next due time in TSC cycles.
    std::uint64_t run_timer(std::uint64_t now) noexcept;
    /// Sends one loop check of the port, allocated from loop_check.pool. Returns false if it could not be
    /// sent.
    bool send_loop_check() noexcept;

    /// The rules for the next burst. A rate limit of new rules begins unused.
    const WireRules& rules_for_burst() noexcept {
        const WireRules& rules = port.rules();
        if (rules.generation != generation_) [[unlikely]] {
            rate = rules.rate;
            generation_ = rules.generation;
        }
        return rules;
    }

    engine::QueuePair queues;
    EchoPort& port;
    RateLimit rate;
    engine::FrameTrace* const trace;
    const LoopCheckSettings loop_check;

  private:
    std::uint32_t generation_;     ///< of the rules that `rate` belongs to
    std::uint64_t check_due_ = 0;  ///< TSC cycles
};

}  // namespace l2echo::echo
