#include "l2echo/echo/echo_burst.hpp"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "l2echo/echo/four_lengths.hpp"
#include "l2echo/echo/header_vector.hpp"
#include "l2echo/wire/loop_check.hpp"

namespace l2echo::echo {
namespace {

using Fate = engine::Decision::Fate;

constexpr engine::Decision kEcho{Fate::Echo, Refusal::None};

constexpr engine::Decision refuse(Refusal reason) noexcept {
    return {Fate::Refuse, reason};
}

/// Everything that can happen to a frame, for those that the shorter ways below do not speak for.
engine::Decision treat_by_all_rules(rte_mbuf& frame, engine::QueuePair& pair, Refusal closed_by,
                                    std::uint64_t now) noexcept {
    const WireRules& rules = pair.rules;
    if (frame.data_len < wire::kEthernetHeaderLength)
        return refuse(Refusal::Runt);
    const wire::FrameHeaders headers = wire::read_headers(frame);
    Refusal reason = closed_by;
    if (!rules.raw) {
        if (rules.answers.any() && answer(frame, headers, rules.answers))
            return {Fate::Answer, Refusal::None};
        const wire::LoopCheckSender checker = wire::read_loop_check(frame, headers, pair.check_nonce);
        if (checker != wire::LoopCheckSender::NoCheck) {
            if (pair.pool != nullptr)
                pair.gate.face(checker == wire::LoopCheckSender::Ourselves ? Facing::OurOwnChecks
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

/// A burst while it is sorted: what goes back is packed at its front, in order.
class Sorting {
  public:
    Sorting(std::span<rte_mbuf*> burst, BurstArray& answers, engine::QueuePairCounters& counters) noexcept
        : burst_(burst), answers_(answers), counters_(counters) {}

    void put(rte_mbuf* frame, const auto& treat) noexcept {
        const std::uint32_t length = frame->pkt_len;  // an answer may be longer
        const engine::Decision decision = treat(*frame);
        if (decision.fate == Fate::Echo) [[likely]] {
            kept_.echoed_bytes += length;
            burst_[kept_.echoes++] = frame;
            return;
        }
        other_bytes_ += length;
        if (decision.fate == Fate::Answer) {
            answers_[kept_.answers++] = frame;
            return;
        }
        counters_.refused_by[static_cast<std::size_t>(decision.reason)].add(1);
        rte_pktmbuf_free(frame);
    }

    /// The four frames of the burst from `first` on.
    void echo_four(std::size_t first) noexcept {
        if (kept_.echoes != first) [[unlikely]]
            std::copy_n(&burst_[first], 4, &burst_[kept_.echoes]);
        kept_.echoes = static_cast<std::uint16_t>(kept_.echoes + 4);
    }

    void add_echoed_bytes(std::uint64_t bytes) noexcept { kept_.echoed_bytes += bytes; }

    KeptFrames count() noexcept {
        counters_.bursts.add(1);
        counters_.received.add(burst_.size());
        counters_.received_bytes.add(kept_.echoed_bytes + other_bytes_);
        return kept_;
    }

  private:
    std::span<rte_mbuf*> burst_;
    BurstArray& answers_;
    engine::QueuePairCounters& counters_;
    KeptFrames kept_;
    std::uint64_t other_bytes_ = 0;
};

/// Where the data of four frames begin.
using FourData = std::array<std::byte*, 4>;

FourData fetch_four(rte_mbuf* const* frames) noexcept {
    FourData data;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
        data[i] = rte_pktmbuf_mtod(frames[i], std::byte*);
        rte_prefetch0(data[i]);
    }
    return data;
}

enum class Form { Raw, Ordinary };

/// Swaps four frames if all are of the form; else leaves them as they are. Raw takes whatever has the 16
/// bytes of a vector, Ordinary what the quick test takes.
template <Form form>
class SwapFour {
  public:
    explicit SwapFour(const WireRules& rules) noexcept : rules_(rules) {}

    /// Whether it did.
    bool operator()(rte_mbuf* const* frames, const FourData& data) noexcept {
        const FourLengths lengths(frames);
        bool outside = lengths.shortest_data() < kHeaderVectorLength;
        if (form == Form::Ordinary)
            outside |= lengths.longest_frame() > rules_.max_untagged_length;
        if (outside) [[unlikely]]
            return false;
        FourHeaders headers;
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i)
            headers[i] = load_header(data[i]);
        if (form == Form::Ordinary && !recent_.are_like_it(headers)) {
            if (!are_ordinary(headers, rules_.own_macs)) [[unlikely]]
                return false;
            recent_.remember(headers[3]);
        }
#pragma GCC unroll 4
        for (std::size_t i = 0; i < 4; ++i)
            store_swapped(data[i], headers[i]);
        lengths.add_to(bytes_);
        return true;
    }

    /// Of all that it swapped.
    std::uint64_t bytes() const noexcept {
        return bytes_.sum();
    }

  private:
    const WireRules& rules_;
    RecentHeader recent_;
    FrameBytes bytes_;
};

engine::Decision treat_raw(rte_mbuf& frame) noexcept {
    if (frame.data_len < wire::kEthernetHeaderLength)
        return refuse(Refusal::Runt);
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    store_swapped(data, wire::load_mac_pair(data));
    return kEcho;
}

struct Sent {
    std::uint16_t frames;
    std::uint64_t dropped_bytes;
};

/// Sends in order, as often as the queue pair says; frees and counts what the TX queue does not take.
Sent send_or_drop(engine::QueuePair& pair, std::span<rte_mbuf*> burst) noexcept {
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

KeptFrames swap_burst(std::span<rte_mbuf*> burst, BurstArray& answers, engine::QueuePair& pair,
                      std::uint64_t now) noexcept {
    const WireRules& rules = pair.rules;
    const Refusal closed_by = pair.gate.closed_by(now);
    const bool tracing = pair.trace != nullptr && pair.trace->wanted();
    const auto by_all_rules = [&](rte_mbuf& frame) {
        if (!tracing) [[likely]]
            return treat_by_all_rules(frame, pair, closed_by, now);
        pair.trace->begin(frame, now);
        const engine::Decision decision = treat_by_all_rules(frame, pair, closed_by, now);
        pair.trace->end(decision, rules);
        return decision;
    };
    // For what four at a time leaves over: the ends of bursts, and neighbours of odd frames.
    const auto by_quick_test = [&](rte_mbuf& frame) {
        if (frame.data_len < wire::kEthernetHeaderLength)
            return refuse(Refusal::Runt);
        auto* bytes = rte_pktmbuf_mtod(&frame, std::byte*);
        const wire::MacPair macs = wire::load_mac_pair(bytes);
        if (!is_ordinary(frame, macs, rules)) [[unlikely]]
            return treat_by_all_rules(frame, pair, closed_by, now);
        store_swapped(bytes, macs);
        return kEcho;
    };
    Sorting sorting(burst, answers, pair.counters);
    const auto by_fours = [&](auto swap_four, const auto& treat) {
        std::size_t i = 0;
        FourData next{};
        if (burst.size() >= 4)
            next = fetch_four(&burst[0]);
        for (; i + 4 <= burst.size(); i += 4) {
            const FourData data = next;
            if (i + 8 <= burst.size())
                next = fetch_four(&burst[i + 4]);
            if (swap_four(&burst[i], data)) [[likely]]
                sorting.echo_four(i);
            else
                for (rte_mbuf* frame : burst.subspan(i, 4))
                    sorting.put(frame, treat);
        }
        sorting.add_echoed_bytes(swap_four.bytes());
        for (rte_mbuf* frame : burst.subspan(i))
            sorting.put(frame, treat);
    };
    if (closed_by != Refusal::None || tracing || pair.rate.limited() || !rules.quick_test_suffices()) {
        for (const rte_mbuf* frame : burst)
            rte_prefetch0(rte_pktmbuf_mtod(frame, const std::byte*));
        for (rte_mbuf* frame : burst)
            sorting.put(frame, by_all_rules);
    } else if (rules.raw) {
        by_fours(SwapFour<Form::Raw>(rules), treat_raw);
    } else {
        by_fours(SwapFour<Form::Ordinary>(rules), by_quick_test);
    }
    return sorting.count();
}

std::uint16_t echo_burst(engine::QueuePair& pair, std::uint64_t now) noexcept {
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

bool send_loop_check(engine::QueuePair& pair) noexcept {
    rte_mbuf* check = rte_pktmbuf_alloc(pair.pool);
    if (check == nullptr)
        return false;
    char* data = rte_pktmbuf_append(check, wire::kLoopCheckLength);
    if (data != nullptr) {
        wire::write_loop_check(reinterpret_cast<std::byte*>(data), pair.rules.own_mac, pair.check_nonce);
        if (rte_eth_tx_burst(pair.port, pair.queue, &check, 1) == 1) {
            pair.counters.checks_sent.add(1);
            return true;
        }
    }
    rte_pktmbuf_free(check);
    return false;
}

}  // namespace l2echo::echo
