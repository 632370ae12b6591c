// A queue pair that echoes, with everything that the frame path may touch: one burst in, swap, one burst out.
//
// An mbuf goes back to its pool in one of three ways: the driver frees it after sending, a refused one is
// freed at once (swap_burst.cpp), one that the TX queue did not take is freed as dropped
// (engine/queue_pair.hpp). A loop check of our own that cannot leave is freed where it was made
// (echo_pair.cpp).
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

/// The loop checks of a port: sent from its queue pair 0, acted on by all queue pairs of the process.
struct LoopCheckSettings {
    bool on = false;              ///< sent
    rte_mempool* pool = nullptr;  ///< what checks are made of; not null when on
    wire::LoopCheckSender sender{};
    /// The gates of all ports of the process, by the number that their checks carry.
    std::span<Gate* const> gates{};
};

struct EchoPairSettings {
    engine::QueuePairSettings queue_pair{};
    RateLimit rate{};
    engine::FrameTrace* trace = nullptr;  ///< null: frames cannot be traced
    LoopCheckSettings loop_check{};
};

/// A source for a worker's loop (engine/poll_loop.hpp). The owning worker only.
class EchoPair {
  public:
    /// `port` and what the settings point to outlive it.
    EchoPair(const EchoPairSettings& settings, EchoPort& echo_port) noexcept
        : queues(settings.queue_pair),
          port(echo_port),
          rate(settings.rate),
          trace(settings.trace),
          loop_check(settings.loop_check) {}

    /// Polls once and sends back what came, while the port is started. Returns the number of frames received;
    /// `now` in TSC cycles.
    std::uint32_t poll(std::uint64_t now) noexcept;
    /// Sends the port's loop check when it is due; returns when the next one is, in TSC cycles.
    std::uint64_t run_timer(std::uint64_t now) noexcept;
    /// Sends one loop check of the port, made of loop_check.pool. False: it could not leave.
    bool send_loop_check() noexcept;

    engine::QueuePair queues;
    EchoPort& port;
    RateLimit rate;
    engine::FrameTrace* const trace;
    const LoopCheckSettings loop_check;

  private:
    std::uint64_t check_due_ = 0;  ///< TSC cycles
};

}  // namespace l2echo::echo
