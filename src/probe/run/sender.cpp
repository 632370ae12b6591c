#include "l2echo/probe/run/sender.hpp"

#include <rte_cycles.h>

#include <algorithm>

namespace l2echo::probe {
namespace {

std::uint16_t count_streams(std::uint16_t flows, SendShare share) {
    return static_cast<std::uint16_t>((flows - share.index + share.of - 1) / share.of);
}

/// Returns a sender's share of the plan. Every stream gets the same rate, and frame n of the whole plan
/// belongs to stream n % flows.
SendPlan part_of(SendPlan plan, std::uint16_t flows, SendShare share) {
    const std::uint64_t streams = count_streams(flows, share);
    const double part = static_cast<double>(streams) / flows;
    plan.frames_per_second *= part;
    plan.bits_per_second *= part;
    const std::uint64_t rest = plan.frames % flows;  // frames of the last, incomplete round
    plan.frames = plan.frames / flows * streams +
                  (rest > share.index ? count_streams(static_cast<std::uint16_t>(rest), share) : 0);
    plan.frames = std::min(plan.frames, kStampNumbers * streams);  // a sequence number is never reused
    return plan;
}

}  // namespace

Sender::Sender(const Traffic& traffic, const SendPlan& plan, rte_mempool* pool, std::uint16_t port,
               std::uint16_t queue, std::uint16_t burst, SendShare share)
    : traffic_(traffic),
      share_(share),
      streams_(count_streams(traffic.shape().flows, share)),
      plan_(part_of(plan, traffic.shape().flows, share)),
      pool_(pool),
      port_(port),
      queue_(queue),
      burst_(burst),
      hz_(static_cast<double>(rte_get_tsc_hz())) {
    next_planned_ = first_planned();
}

/// Offsets the senders in time, so that they do not send simultaneously.
double Sender::first_planned() const noexcept {
    return interval(traffic_.size_of(0)) * share_.index / share_.of;
}

std::uint64_t Sender::elapsed() const noexcept {
    if (sent() < plan_.frames)  // time past the planned end does not count against the rate
        return static_cast<std::uint64_t>(std::min(static_cast<double>(ended_), plan_.seconds * hz_));
    return std::max(last_sent(),
                    plan_.paced() ? static_cast<std::uint64_t>(next_planned_ - first_planned()) : 0);
}

std::uint64_t Sender::sent_of(std::uint16_t stream) const noexcept {
    if (stream % share_.of != share_.index)
        return 0;
    return sent() / streams_ + (stream / share_.of < sent() % streams_ ? 1 : 0);
}

}  // namespace l2echo::probe
