// A worker's share of a port: one RX/TX queue pair and its counters.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/engine/counter_set.hpp"

namespace l2echo::engine {

using BurstArray = std::array<rte_mbuf*, dpdk::kMaxBurst>;

/// Polling state of a queue pair. Another thread requests the end; the worker confirms it, and then the port
/// can be closed.
enum class Polling : std::uint8_t { On, Ending, Ended };

struct QueuePairSettings {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;       ///< index of the RX queue and of the TX queue
    std::uint16_t burst = 32;      ///< frames requested per poll, 1 to dpdk::kMaxBurst
    std::uint32_t tx_retries = 0;  ///< further tries before the rest of a burst is dropped
};

/// The outcome of sending a burst.
struct Sent {
    std::uint16_t frames = 0;
    std::uint64_t dropped_bytes = 0;
};

/// RX queue i and TX queue i of a port. Only the worker that owns it polls it and writes its counters.
class QueuePair {
  public:
    explicit QueuePair(const QueuePairSettings& settings) noexcept : settings_(settings) {}
    ~QueuePair() = default;
    QueuePair(const QueuePair&) = delete;
    QueuePair& operator=(const QueuePair&) = delete;

    std::uint16_t port() const noexcept { return settings_.port; }
    std::uint16_t queue() const noexcept { return settings_.queue; }
    std::uint16_t burst() const noexcept { return settings_.burst; }
    std::uint32_t max_retries() const noexcept { return settings_.tx_retries; }

    /// Owning worker: receives up to burst() frames, which the caller then owns.
    std::uint16_t receive(BurstArray& frames) const noexcept {
        return rte_eth_rx_burst(port(), queue(), frames.data(), burst());
    }

    /// Owning worker: sends in order, with the retries that the settings allow. Takes ownership of all mbufs:
    /// those that the TX queue does not accept are freed and counted as dropped.
    Sent send_or_drop(std::span<rte_mbuf*> frames) noexcept {
        const auto count = static_cast<std::uint16_t>(frames.size());
        Sent sent{rte_eth_tx_burst(port(), queue(), frames.data(), count), 0};
        for (std::uint32_t retry = 0; sent.frames < count && retry < settings_.tx_retries; ++retry) {
            counters.add(verdict::Count::TxRetries, 1);
            sent.frames = static_cast<std::uint16_t>(
                sent.frames + rte_eth_tx_burst(port(), queue(), frames.data() + sent.frames,
                                               static_cast<std::uint16_t>(count - sent.frames)));
        }
        if (sent.frames < count) [[unlikely]]
            sent.dropped_bytes = drop(frames.subspan(sent.frames));
        return sent;
    }

    /// Any thread: asks the worker to stop polling the queue pair.
    void ask_to_end() noexcept {
        Polling on = Polling::On;
        polling_.compare_exchange_strong(on, Polling::Ending, std::memory_order_relaxed);
    }
    bool ended() const noexcept { return polling_.load(std::memory_order_acquire) == Polling::Ended; }

    /// Owning worker: true until another thread asks to end polling.
    bool is_polled() const noexcept { return polling_.load(std::memory_order_relaxed) == Polling::On; }
    /// Owning worker: ends polling if requested; true if this call ended it. Release ordering: everything
    /// that the worker did to the port happens before ended() returns true.
    bool end() noexcept {
        Polling ending = Polling::Ending;
        return polling_.compare_exchange_strong(ending, Polling::Ended, std::memory_order_release,
                                                std::memory_order_relaxed);
    }

    CounterSet counters;  ///< written by the owning worker only

  private:
    /// Returns the number of bytes dropped.
    std::uint64_t drop(std::span<rte_mbuf*> frames) noexcept {
        std::uint64_t bytes = 0;
        for (const rte_mbuf* frame : frames)
            bytes += frame->pkt_len;
        counters.add(verdict::Count::Dropped, frames.size());
        rte_pktmbuf_free_bulk(frames.data(), static_cast<unsigned>(frames.size()));
        return bytes;
    }

    const QueuePairSettings settings_;
    std::atomic<Polling> polling_{Polling::On};  ///< Ending is set by any thread, Ended by the worker
};

}  // namespace l2echo::engine
