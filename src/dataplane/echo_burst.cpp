#include "l2echo/dataplane/echo_burst.hpp"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <array>

namespace l2echo {
namespace {

Refusal decide(const rte_mbuf& frame, const MacPair& macs, const WireRules& rules) noexcept {
    return rules.raw ? Refusal::None : classify(frame, macs, rules);
}

/// Sends in order; returns how many frames the TX queue took.
std::uint16_t send_burst(QueuePair& pair, std::span<rte_mbuf*> burst) noexcept {
    const auto count = static_cast<std::uint16_t>(burst.size());
    std::uint16_t sent = rte_eth_tx_burst(pair.port, pair.queue, burst.data(), count);
    for (std::uint32_t retry = 0; sent < count && retry < pair.tx_retries; ++retry) {
        pair.counters.tx_retries.add(1);
        sent = static_cast<std::uint16_t>(sent + rte_eth_tx_burst(pair.port, pair.queue, burst.data() + sent,
                                                                  static_cast<std::uint16_t>(count - sent)));
    }
    return sent;
}

/// Frees what the TX queue did not take; returns its bytes.
std::uint64_t drop(std::span<rte_mbuf*> burst) noexcept {
    std::uint64_t bytes = 0;
    for (const rte_mbuf* frame : burst)
        bytes += frame->pkt_len;
    rte_pktmbuf_free_bulk(burst.data(), static_cast<unsigned>(burst.size()));
    return bytes;
}

}  // namespace

KeptFrames swap_burst(std::span<rte_mbuf*> burst, const WireRules& rules,
                      QueuePairCounters& counters) noexcept {
    // All headers at once: by the time the last is asked for, the first has arrived.
    for (rte_mbuf* frame : burst)
        rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));

    KeptFrames kept{0, 0};
    std::uint64_t refused_bytes = 0;
    for (rte_mbuf* frame : burst) {
        auto* data = rte_pktmbuf_mtod(frame, std::byte*);
        Refusal refusal = Refusal::Runt;
        if (frame->data_len >= kEthernetHeaderLength) [[likely]] {
            const MacPair macs = load_mac_pair(data);
            refusal = decide(*frame, macs, rules);
            if (refusal == Refusal::None) [[likely]] {
                store_swapped(data, macs);
                kept.bytes += frame->pkt_len;
                burst[kept.frames++] = frame;
                continue;
            }
        }
        counters.refused_by[static_cast<std::size_t>(refusal)].add(1);
        refused_bytes += frame->pkt_len;
        rte_pktmbuf_free(frame);
    }
    counters.bursts.add(1);
    counters.received.add(burst.size());
    counters.received_bytes.add(kept.bytes + refused_bytes);
    return kept;
}

std::uint16_t echo_burst(QueuePair& pair) noexcept {
    std::array<rte_mbuf*, kMaxBurst> frames;
    const std::uint16_t received = rte_eth_rx_burst(pair.port, pair.queue, frames.data(), pair.burst);
    if (received == 0)
        return 0;

    const KeptFrames kept = swap_burst({frames.data(), received}, pair.rules, pair.counters);
    if (kept.frames == 0)
        return received;

    const std::uint16_t sent = send_burst(pair, {frames.data(), kept.frames});
    std::uint64_t dropped_bytes = 0;
    if (sent < kept.frames) [[unlikely]] {
        dropped_bytes = drop({frames.data() + sent, static_cast<std::size_t>(kept.frames - sent)});
        pair.counters.dropped.add(static_cast<std::uint64_t>(kept.frames - sent));
    }
    pair.counters.echoed.add(sent);
    pair.counters.echoed_bytes.add(kept.bytes - dropped_bytes);
    return received;
}

}  // namespace l2echo
