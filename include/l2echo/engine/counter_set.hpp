// The fate of every frame of one queue pair, counted by its worker and read by the reporter.
#pragma once

#include <rte_common.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "l2echo/echo/wire_rules.hpp"

namespace l2echo::engine {

/// One writer, any number of readers. A relaxed load and store compile to plain moves, so counting costs what
/// it would cost without readers; a read-modify-write would lock the bus for nothing.
class Counter {
  public:
    void add(std::uint64_t amount) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> value_{0};
};

/// Plain copy of the counters. Frames unless named bytes; bytes are layer 2 without FCS.
/// Once the worker has stopped, received = echoed + answered + refused() + dropped.
struct QueuePairCounts {
    std::uint64_t bursts = 0;  ///< polls that returned at least one frame
    std::uint64_t received = 0;
    std::uint64_t received_bytes = 0;
    std::uint64_t echoed = 0;
    std::uint64_t echoed_bytes = 0;
    std::uint64_t answered = 0;
    std::uint64_t dropped = 0;      ///< the TX queue was full
    std::uint64_t tx_retries = 0;   ///< further tries at a full TX queue
    std::uint64_t checks_sent = 0;  ///< loop checks, which nobody asked for
    std::array<std::uint64_t, echo::kRefusalReasons> refused_by{};

    std::uint64_t refused() const noexcept;
    QueuePairCounts& operator+=(const QueuePairCounts& other) noexcept;
};

/// Written by the one worker that owns the queue pair. Cache lines of its own: a reader must not slow down
/// the neighbour's writer.
struct alignas(RTE_CACHE_LINE_SIZE) QueuePairCounters {
    Counter bursts;
    Counter received;
    Counter received_bytes;
    Counter echoed;
    Counter echoed_bytes;
    Counter answered;
    Counter dropped;
    Counter tx_retries;
    Counter checks_sent;
    std::array<Counter, echo::kRefusalReasons> refused_by;

    QueuePairCounts read() const noexcept;
};

}  // namespace l2echo::engine
