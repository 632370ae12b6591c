#include "l2echo/dataplane/echo_burst.hpp"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "l2echo/dataplane/loop_check.hpp"

namespace l2echo {
namespace {

using Fate = Decision::Fate;

constexpr Decision kEcho{Fate::Echo, Refusal::None};

constexpr Decision refuse(Refusal reason) noexcept {
    return {Fate::Refuse, reason};
}

/// Everything that can happen to a frame, for those that the shorter ways below do not speak for.
Decision treat_by_all_rules(rte_mbuf& frame, QueuePair& pair, Refusal closed_by, std::uint64_t now) noexcept {
    const WireRules& rules = pair.rules;
    if (frame.data_len < kEthernetHeaderLength)
        return refuse(Refusal::Runt);
    const FrameHeaders headers = read_headers(frame);
    Refusal reason = closed_by;
    if (!rules.raw) {
        if (rules.answers.any() && answer(frame, headers, rules.answers))
            return {Fate::Answer, Refusal::None};
        const LoopCheckSender checker = read_loop_check(frame, headers, pair.check_nonce);
        if (checker != LoopCheckSender::NoCheck) {
            if (pair.pool != nullptr)
                pair.gate.face(checker == LoopCheckSender::Ourselves ? Facing::OurOwnChecks
                                                                     : Facing::AnotherReflector);
            return refuse(Refusal::FacingReflector);
        }
        reason = classify_thoroughly(frame, headers, rules, closed_by);
    }
    if (reason == Refusal::None && pair.rate.limited() && !pair.rate.take(now, frame.pkt_len))
        reason = Refusal::OverRate;
    if (reason != Refusal::None)
        return refuse(reason);
    swap_by_rules(rte_pktmbuf_mtod(&frame, std::byte*), headers, rules);
    return kEcho;
}

/// Decides on every frame of the burst by `treat`, which also swaps, and sorts them by their fate.
template <typename Treat>
KeptFrames sort_burst(std::span<rte_mbuf*> burst, BurstArray& answers, QueuePairCounters& counters,
                      const Treat& treat) noexcept {
    KeptFrames kept;
    std::uint64_t other_bytes = 0;
    for (rte_mbuf* frame : burst) {
        const Decision decision = treat(*frame);
        if (decision.fate == Fate::Echo) [[likely]] {
            kept.echoed_bytes += frame->pkt_len;
            burst[kept.echoes++] = frame;
            continue;
        }
        other_bytes += frame->pkt_len;
        if (decision.fate == Fate::Answer) {
            answers[kept.answers++] = frame;
            continue;
        }
        counters.refused_by[static_cast<std::size_t>(decision.reason)].add(1);
        rte_pktmbuf_free(frame);
    }
    counters.bursts.add(1);
    counters.received.add(burst.size());
    counters.received_bytes.add(kept.echoed_bytes + other_bytes);
    return kept;
}

struct Sent {
    std::uint16_t frames;
    std::uint64_t dropped_bytes;
};

/// Sends in order, as often as the queue pair says; frees and counts what the TX queue does not take.
Sent send_or_drop(QueuePair& pair, std::span<rte_mbuf*> burst) noexcept {
    const auto count = static_cast<std::uint16_t>(burst.size());
    Sent sent{rte_eth_tx_burst(pair.port, pair.queue, burst.data(), count), 0};
    for (std::uint32_t retry = 0; sent.frames < count && retry < pair.tx_retries; ++retry) {
        pair.counters.tx_retries.add(1);
        sent.frames = static_cast<std::uint16_t>(
            sent.frames + rte_eth_tx_burst(pair.port, pair.queue, burst.data() + sent.frames,
                                           static_cast<std::uint16_t>(count - sent.frames)));
    }
    const std::span<rte_mbuf*> dropped = burst.subspan(sent.frames);
    if (dropped.empty()) [[likely]]
        return sent;
    for (const rte_mbuf* frame : dropped)
        sent.dropped_bytes += frame->pkt_len;
    pair.counters.dropped.add(dropped.size());
    rte_pktmbuf_free_bulk(dropped.data(), static_cast<unsigned>(dropped.size()));
    return sent;
}

}  // namespace

KeptFrames swap_burst(std::span<rte_mbuf*> burst, BurstArray& answers, QueuePair& pair,
                      std::uint64_t now) noexcept {
    // All headers at once: by the time the last is asked for, the first has arrived.
    for (rte_mbuf* frame : burst)
        rte_prefetch0(rte_pktmbuf_mtod(frame, const void*));

    const WireRules& rules = pair.rules;
    const Refusal closed_by = pair.gate.closed_by(now);
    const auto by_all_rules = [&](rte_mbuf& frame) {
        return treat_by_all_rules(frame, pair, closed_by, now);
    };
    if (pair.trace != nullptr && pair.trace->wanted()) [[unlikely]]
        return sort_burst(burst, answers, pair.counters, [&](rte_mbuf& frame) {
            pair.trace->begin(frame, now);
            const Decision decision = by_all_rules(frame);
            pair.trace->end(decision, rules);
            return decision;
        });
    if (closed_by != Refusal::None || pair.rate.limited())
        return sort_burst(burst, answers, pair.counters, by_all_rules);
    if (rules.raw)
        return sort_burst(burst, answers, pair.counters, [](rte_mbuf& frame) {
            if (frame.data_len < kEthernetHeaderLength)
                return refuse(Refusal::Runt);
            auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
            store_swapped(data, load_mac_pair(data));
            return kEcho;
        });
    if (!rules.quick_test_suffices())
        return sort_burst(burst, answers, pair.counters, by_all_rules);
    return sort_burst(burst, answers, pair.counters, [&](rte_mbuf& frame) {
        if (frame.data_len < kEthernetHeaderLength)
            return refuse(Refusal::Runt);
        auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
        const MacPair macs = load_mac_pair(data);
        if (!is_ordinary(frame, macs, rules)) [[unlikely]]
            return by_all_rules(frame);
        store_swapped(data, macs);
        return kEcho;
    });
}

std::uint16_t echo_burst(QueuePair& pair, std::uint64_t now) noexcept {
    BurstArray frames;
    const std::uint16_t received = rte_eth_rx_burst(pair.port, pair.queue, frames.data(), pair.burst);
    if (received == 0)
        return 0;

    BurstArray answers;
    const KeptFrames kept = swap_burst({frames.data(), received}, answers, pair, now);
    if (kept.echoes > 0) [[likely]] {
        const Sent sent = send_or_drop(pair, {frames.data(), kept.echoes});
        pair.counters.echoed.add(sent.frames);
        pair.counters.echoed_bytes.add(kept.echoed_bytes - sent.dropped_bytes);
    }
    if (kept.answers > 0) [[unlikely]]
        pair.counters.answered.add(send_or_drop(pair, {answers.data(), kept.answers}).frames);
    return received;
}

bool send_loop_check(QueuePair& pair) noexcept {
    rte_mbuf* check = rte_pktmbuf_alloc(pair.pool);
    if (check == nullptr)
        return false;
    char* data = rte_pktmbuf_append(check, kLoopCheckLength);
    if (data != nullptr) {
        write_loop_check(reinterpret_cast<std::byte*>(data), pair.rules.own_mac, pair.check_nonce);
        if (rte_eth_tx_burst(pair.port, pair.queue, &check, 1) == 1) {
            pair.counters.checks_sent.add(1);
            return true;
        }
    }
    rte_pktmbuf_free(check);
    return false;
}

}  // namespace l2echo
