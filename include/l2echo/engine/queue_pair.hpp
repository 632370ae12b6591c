// What a worker has of a port: one queue pair, with all that it may touch on the way of a frame.
#pragma once

#include <rte_mempool.h>

#include <atomic>
#include <cstdint>

#include "l2echo/echo/port_gate.hpp"
#include "l2echo/echo/rate_limit.hpp"
#include "l2echo/echo/wire_rules.hpp"
#include "l2echo/engine/counter_set.hpp"
#include "l2echo/engine/frame_trace.hpp"

namespace l2echo::engine {

/// Whether the worker polls a queue pair. It is asked to end and says when it has: then the port can be
/// closed.
enum class Polling : std::uint8_t { On, Ending, Ended };

/// RX queue i and TX queue i of a port. One worker owns it: nobody else polls it or writes its counters.
struct QueuePair {
    /// `gate` is the port's and outlives this.
    explicit QueuePair(echo::PortGate& port_gate) : gate(port_gate) {}

    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    std::uint16_t burst = 32;      ///< frames asked for in one poll, 1 to kMaxBurst
    std::uint32_t tx_retries = 0;  ///< further tries before the rest of a burst is dropped
    std::atomic<Polling> polling{
        Polling::On};  ///< Ending: set by the reporter's thread; Ended: by the worker
    echo::PortGate& gate;
    FrameTrace* trace = nullptr;  ///< null: frames cannot be traced
    echo::WireRules rules;
    echo::RateLimit rate;
    rte_mempool* pool = nullptr;    ///< where loop checks come from; null: none are sent
    std::uint64_t check_nonce = 0;  ///< of this process's loop checks
    QueuePairCounters counters;
};

}  // namespace l2echo::engine
