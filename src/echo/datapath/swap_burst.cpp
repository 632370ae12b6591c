#include "echo/datapath/swap_burst.hpp"

#include <rte_prefetch.h>

#include <algorithm>
#include <array>

#include "echo/datapath/four_lengths.hpp"
#include "echo/datapath/header_vector.hpp"
#include "l2echo/dpdk/frame_view.hpp"
#include "l2echo/verdict/verdict.hpp"
#include "l2echo/wire/loop_check.hpp"

namespace l2echo::echo {
namespace {

using verdict::Count;
using verdict::kEcho;
using verdict::Reason;
using verdict::refuse;
using verdict::Verdict;

/// Values that are read once per burst.
struct BurstContext {
    EchoPair& pair;
    const WireRules& rules;
    Reason closed_by;  ///< why every frame is refused; None: the port echoes
    std::uint64_t now;
    /// Whether rules and rate need extra work, evaluated once. The fast paths run only if both are false.
    bool may_answer = false;
    bool is_limited = false;
};

/// Returns the verdict on a frame that has an Ethernet header in its first segment. If the verdict is echo,
/// the frame is already swapped.
using Decider = Verdict (*)(rte_mbuf& frame, const BurstContext& context) noexcept;

/// A check that a reflector returned closes the gate of the port that sent it and is not echoed again, so
/// that each check is echoed only once. A check that has not been returned yet is echoed like an ordinary
/// frame, so that its sender detects us. If it is this port's own, our frames come back without a reflector:
/// a loop.
[[gnu::cold, gnu::noinline]] Verdict decide_loop_check(rte_mbuf& frame, const wire::LoopCheck& check,
                                                       const wire::FrameHeaders& headers,
                                                       const BurstContext& context) noexcept {
    EchoPair& pair = context.pair;
    const LoopCheckSettings& ours = pair.loop_check;
    if (check.returned) {
        if (check.sender.process == ours.sender.process && check.sender.port < ours.gates.size())
            ours.gates[check.sender.port]->face(verdict::Facing::Reflector);
        return refuse(Reason::LoopCheck);
    }
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    const wire::MacPair macs = wire::load_mac_pair(data);
    if (check.sender == ours.sender) {
        if (first_refusal_by_macs(macs, context.rules) == Reason::None)
            pair.port.gate.face(verdict::Facing::Loop);
        return refuse(Reason::LoopCheck);
    }
    const Reason reason =
        first_refusal_of_check(dpdk::view_of(frame), headers, context.rules, context.closed_by);
    if (reason != Reason::None)
        return refuse(reason);
    wire::store_swapped(data, macs);
    return kEcho;
}

/// Slow path: applies every rule. For frames that the fast paths below cannot decide. Inlined into the loop
/// over a burst: as a call, a frame with a match rule takes 5 to 7 % longer.
[[gnu::always_inline]] inline Verdict decide_slow(rte_mbuf& frame, const BurstContext& context) noexcept {
    const WireRules& rules = context.rules;
    EchoPair& pair = context.pair;
    const wire::FrameView view = dpdk::view_of(frame);
    const wire::FrameHeaders headers = wire::read_headers(view);
    Reason reason = context.closed_by;
    if (!rules.raw) {
        if (context.may_answer && answer(frame, headers, rules.own_mac, rules.answers))
            return verdict::kAnswer;
        if (headers.type == wire::kEtherTypeLoopCheck) [[unlikely]]
            if (const auto check = wire::read_loop_check(view, headers))
                return decide_loop_check(frame, *check, headers, context);
        reason = first_refusal(view, headers, rules, context.closed_by);
    }
    if (reason == Reason::None && context.is_limited && !pair.rate.take(context.now, frame.pkt_len))
        reason = Reason::OverRate;
    if (reason != Reason::None)
        return refuse(reason);
    swap_by_rules(rte_pktmbuf_mtod(&frame, std::byte*), headers, rules);
    return kEcho;
}

/// Out-of-line slow path for the fast path, which rarely needs it and so keeps its registers.
[[gnu::noinline]] Verdict decide_slow_called(rte_mbuf& frame, const BurstContext& context) noexcept {
    return decide_slow(frame, context);
}

/// Scalar fast path: burst tails, and groups of four that the vector test rejected.
Verdict decide_fast(rte_mbuf& frame, const BurstContext& context) noexcept {
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    const wire::MacPair macs = wire::load_mac_pair(data);
    if (!is_ordinary(dpdk::view_of(frame), macs, context.rules)) [[unlikely]]
        return decide_slow_called(frame, context);
    wire::store_swapped(data, macs);
    return kEcho;
}

/// Scalar fast path of --raw, which swaps every frame that has a header.
Verdict decide_raw(rte_mbuf& frame, const BurstContext&) noexcept {
    auto* data = rte_pktmbuf_mtod(&frame, std::byte*);
    wire::store_swapped(data, wire::load_mac_pair(data));
    return kEcho;
}

/// Refuses runts before all other tests, so that no decider reads a missing header.
template <Decider decide>
[[gnu::always_inline]] inline Verdict decide_unless_runt(rte_mbuf& frame,
                                                         const BurstContext& context) noexcept {
    return frame.data_len < wire::kEthernetHeaderLength ? refuse(Reason::Runt) : decide(frame, context);
}

/// Decider while frames are traced.
Verdict decide_traced(rte_mbuf& frame, const BurstContext& context) noexcept {
    context.pair.trace->begin(frame, context.now);
    const Verdict verdict = decide_unless_runt<decide_slow>(frame, context);
    context.pair.trace->end(verdict, echoed_as(context.rules));
    return verdict;
}

/// Separate function, so that the code for echoes is small enough for the compiler to inline.
[[gnu::noinline]] void refuse_frame(rte_mbuf* frame, Reason reason, engine::CounterSet& counters) noexcept {
    counters.add(reason, 1);
    rte_pktmbuf_free(frame);
}

/// Sorts a burst: packs the echoes, in order, at its front.
class Sorting {
  public:
    Sorting(std::span<rte_mbuf*> burst, engine::BurstArray& answers, engine::CounterSet& counters) noexcept
        : burst_(burst), answers_(&answers), counters_(&counters) {}

    /// `length` is that of the frame as received: an answer may be longer.
    void place(rte_mbuf* frame, std::uint32_t length, Verdict verdict) noexcept {
        if (verdict.next == verdict::Next::Echo) [[likely]] {
            kept_.echoed_bytes += length;
            burst_[kept_.echoes++] = frame;
            return;
        }
        other_bytes_ += length;
        if (verdict.next == verdict::Next::Answer)
            (*answers_)[kept_.answers++] = frame;
        else
            refuse_frame(frame, verdict.reason, *counters_);
    }

    /// Places the frames from `first` up to, not including, `end`. Their bytes are added separately.
    void place_echoes(std::size_t first, std::size_t end) noexcept {
        if (kept_.echoes != first) [[unlikely]]
            std::copy(&burst_[first], &burst_[end], &burst_[kept_.echoes]);
        kept_.echoes = static_cast<std::uint16_t>(kept_.echoes + end - first);
    }
    void add_echoed_bytes(std::uint64_t bytes) noexcept { kept_.echoed_bytes += bytes; }

    KeptFrames count() noexcept {
        counters_->add(Count::Bursts, 1);
        counters_->add(Count::Received, burst_.size());
        counters_->add(Count::ReceivedBytes, kept_.echoed_bytes + other_bytes_);
        return kept_;
    }

  private:
    std::span<rte_mbuf*> burst_;
    engine::BurstArray* answers_;
    engine::CounterSet* counters_;
    KeptFrames kept_;
    std::uint64_t other_bytes_ = 0;
};

/// Sorts frame by frame. `frames` are the next ones of the burst. Inlined, so that no other function sees
/// `sorting` and its counts stay in registers: a burst of one frame takes half as long.
template <Decider decide>
[[gnu::always_inline]] inline void sort_each(std::span<rte_mbuf*> frames, const BurstContext& context,
                                             Sorting& sorting) noexcept {
    for (rte_mbuf* frame : frames) {
        const std::uint32_t length = frame->pkt_len;
        sorting.place(frame, length, decide(*frame, context));
    }
}

/// Data pointers of four frames.
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

/// Swaps four frames if all have the form, otherwise leaves them unchanged. Raw accepts every frame with the
/// 16 bytes of a vector, Ordinary accepts what are_ordinary() accepts.
template <Form form>
class SwapFour {
  public:
    explicit SwapFour(const WireRules& rules) noexcept : rules_(rules) {}

    /// Returns true if it swapped them.
    bool operator()(rte_mbuf* const* frames, const FourData& data) noexcept {
        const FourLengths lengths(frames);
        bool outside = lengths.shortest_data() < kHeaderVectorLength;
        if constexpr (form == Form::Ordinary)
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

    /// Returns the bytes of all swapped frames.
    std::uint64_t bytes() const noexcept {
        return bytes_.sum();
    }

  private:
    const WireRules& rules_;
    RecentHeader recent_;
    FrameBytes bytes_;
};

/// Vector fast path: four frames at a time, with the next four prefetched. `decide` is the scalar form.
template <Form form, Decider decide>
void sort_in_fours(std::span<rte_mbuf*> burst, const BurstContext& context, Sorting& sorting) noexcept {
    SwapFour<form> swap_four(context.rules);
    FourData next{};
    if (burst.size() >= 4)
        next = fetch_four(burst.data());
    std::size_t swapped = 0;  // frames from here up to i are swapped but not placed yet
    std::size_t i = 0;
    for (; i + 4 <= burst.size(); i += 4) {
        const FourData data = next;
        if (i + 8 <= burst.size())
            next = fetch_four(&burst[i + 4]);
        if (!swap_four(&burst[i], data)) [[unlikely]] {
            sorting.place_echoes(swapped, i);
            sort_each<decide_unless_runt<decide>>(burst.subspan(i, 4), context, sorting);
            swapped = i + 4;
        }
    }
    sorting.place_echoes(swapped, i);
    sorting.add_echoed_bytes(swap_four.bytes());
    if (i < burst.size()) [[unlikely]]
        sort_each<decide_unless_runt<decide>>(burst.subspan(i), context, sorting);
}

void prefetch_headers(std::span<rte_mbuf*> burst) noexcept {
    for (const rte_mbuf* frame : burst)
        rte_prefetch0(rte_pktmbuf_mtod(frame, const std::byte*));
}

}  // namespace

KeptFrames swap_burst(std::span<rte_mbuf*> burst, engine::BurstArray& answers, EchoPair& pair,
                      std::uint64_t now) noexcept {
    BurstContext context{pair, pair.rules_for_burst(), pair.port.gate.closed_by(now), now};
    Sorting sorting(burst, answers, pair.queues.counters);
    const bool tracing = pair.trace != nullptr && pair.trace->wanted();
    if (tracing || context.closed_by != Reason::None || pair.rate.limited() ||
        !context.rules.fast_path_decides()) {
        context.may_answer = context.rules.answers.any();
        context.is_limited = pair.rate.limited();
        prefetch_headers(burst);
        if (tracing) [[unlikely]]
            sort_each<decide_traced>(burst, context, sorting);
        else
            sort_each<decide_unless_runt<decide_slow>>(burst, context, sorting);
    } else if (context.rules.raw) {
        sort_in_fours<Form::Raw, decide_raw>(burst, context, sorting);
    } else {
        sort_in_fours<Form::Ordinary, decide_fast>(burst, context, sorting);
    }
    return sorting.count();
}

}  // namespace l2echo::echo
