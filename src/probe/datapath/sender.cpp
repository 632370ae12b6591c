#include "l2echo/probe/run/sender.hpp"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <cmath>

#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::probe {
namespace {

/// Give up after this long without TX progress: nobody drains the queue.
constexpr double kPatienceSeconds = 5;

}  // namespace

double Sender::interval(std::uint32_t size) const noexcept {
    if (plan_.frames_per_second > 0)
        return hz_ / plan_.frames_per_second;
    return plan_.bits_per_second > 0 ? 8 * (size + wire::kGapAndPreamble) / plan_.bits_per_second * hz_ : 0;
}

bool Sender::send_due() noexcept {
    const std::uint64_t now = rte_rdtsc() - epoch_;
    if (static_cast<double>(now) >= plan_.seconds * hz_)
        return false;
    if (first_ == count_) {
        if (planned_frames_ >= plan_.frames)
            return false;
        build(now);
        waiting_since_ = now;
    }
    if (first_ < count_)
        transmit();
    return !gives_up(now);
}

bool Sender::gives_up(std::uint64_t now) const noexcept {
    const bool may_come_back = sent() > 0 && std::isfinite(plan_.seconds);
    return first_ < count_ && !may_come_back &&
           static_cast<double>(now - waiting_since_) >= kPatienceSeconds * hz_;
}

void Sender::build(std::uint64_t now) noexcept {
    first_ = count_ = 0;
    while (count_ < burst_ && planned_frames_ < plan_.frames) {
        if (plan_.paced() && next_planned_ > static_cast<double>(now))
            return;
        rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
        if (mbuf == nullptr)
            return;  // the driver still holds them; retry on the next call
        const std::uint32_t size = traffic_.size_of(planned_frames_);
        const auto length = static_cast<std::uint16_t>(size - wire::kFcsLength);
        const std::uint64_t planned = plan_.paced() ? static_cast<std::uint64_t>(next_planned_) : now;
        auto* data = reinterpret_cast<std::byte*>(rte_pktmbuf_append(mbuf, length));
        const auto stream =
            static_cast<std::uint16_t>(share_.index + share_.of * (planned_frames_ % streams_));
        traffic_.write({data, length}, {stream, planned_frames_ / streams_, planned});
        pending_[count_] = mbuf;
        planned_[count_++] = planned;
        ++planned_frames_;
        next_planned_ += interval(size);
    }
}

void Sender::transmit() noexcept {
    std::uint64_t bytes = 0;
    for (std::uint16_t i = first_; i < count_; ++i)
        bytes += pending_[i]->pkt_len;
    const auto waiting = static_cast<std::uint16_t>(count_ - first_);
    const std::uint16_t taken = rte_eth_tx_burst(port_, queue_, pending_.data() + first_, waiting);
    const std::uint64_t now = rte_rdtsc() - epoch_;
    for (std::uint16_t i = first_; i < first_ + taken; ++i)
        delay_.add(now - std::min(now, planned_[i]));
    first_ = static_cast<std::uint16_t>(first_ + taken);
    for (std::uint16_t i = first_; i < count_; ++i)
        bytes -= pending_[i]->pkt_len;
    if (taken < waiting)
        tx_full_.add(1);
    if (taken > 0) {
        sent_.add(taken);
        sent_bytes_.add(bytes);
        last_sent_.add(now - last_sent_.read());
    }
}

void Sender::finish() noexcept {
    ended_ = rte_rdtsc() - epoch_;
    stalled_ = first_ < count_ && static_cast<double>(ended_ - waiting_since_) >= hz_;
    rte_pktmbuf_free_bulk(pending_.data() + first_, static_cast<unsigned>(count_ - first_));
    first_ = count_ = 0;
}

}  // namespace l2echo::probe
