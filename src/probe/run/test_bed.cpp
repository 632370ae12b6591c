#include "probe/run/test_bed.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>
#include <cmath>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

/// Frames that the probe's own port lost.
std::uint64_t lost_by(const verdict::PortCounts& counts) {
    return counts[verdict::PortCount::Missed] + counts[verdict::PortCount::NoMbuf];
}

}  // namespace

std::unique_ptr<ProbeResult> TestBed::run(const Traffic& traffic, const SendPlan& plan) const {
    const auto probe_run =
        std::make_unique<ProbeRun>(traffic, plan, port_.id(), pools_, burst_, drain_seconds_, stop_);
    LinkWatch link(port_);
    const verdict::PortCounts before = port_.counts();
    run_on(lcores_, *probe_run, plan, link, report_signal_);
    const verdict::PortCounts after = port_.counts();
    auto result = std::make_unique<ProbeResult>();
    result->tsc_hz = static_cast<double>(rte_get_tsc_hz());
    result->requested_per_second = plan.frames_per_second;
    result->requested_bits_per_second_l1 = plan.bits_per_second;
    result->sizes = traffic.frame_sizes();
    result->streams.resize(traffic.shape().flows);
    for (std::size_t queue = 0; queue < probe_run->queue_pairs(); ++queue)
        add(*probe_run, queue, *result);
    result->returned_seconds = std::max(result->returned_seconds, result->seconds);
    result->missed = lost_by(after) - std::min(lost_by(before), lost_by(after));
    result->link_changes = link.changes();
    // In a slow and short run, an lcore that was not scheduled in time may send none of the few frames. That
    // is not a fault of the port.
    const bool tried = result->tx_full > 0 || !plan.paced();
    if (result->sent == 0 && tried && !stop_.requested() && !port_.removed())
        throw process::StartupError(
            fmt::format("{}: its TX queue took no frame, link {}; is the far end there?",
                        dpdk::port_label(port_.id()), port_.link().up ? "up" : "down"));
    result->end = end_of(*probe_run, plan, result->sent);
    if (result->end == RunEnd::GaveUp)
        dpdk::log_warning(fmt::format("{}: its TX queue took nothing any more: gave up after {} of {} frames",
                                      dpdk::port_label(port_.id()), result->sent, plan.frames));
    return result;
}

RunEnd TestBed::end_of(const ProbeRun& probe_run, const SendPlan& plan, std::uint64_t sent) const {
    bool stalled = false;
    for (std::size_t queue = 0; queue < probe_run.queue_pairs(); ++queue)
        stalled = stalled || probe_run.sender(queue).stalled();
    if (stop_.requested())
        return RunEnd::Signal;
    if (port_.removed())
        return RunEnd::Removed;
    if (sent == 0)
        return RunEnd::NothingSent;
    if (!std::isfinite(plan.seconds) && sent < plan.frames)
        return RunEnd::GaveUp;
    if (!port_.link().up)
        return RunEnd::LinkDown;
    return stalled ? RunEnd::Stalled : RunEnd::Complete;
}

void TestBed::add(const ProbeRun& probe_run, std::size_t queue, ProbeResult& result) const {
    const Sender& sender = probe_run.sender(queue);
    const Checker& checker = probe_run.checker(queue);
    QueuePairResult pair;
    pair.lcores = lcores_[queue];
    pair.sender.sent = sender.sent();
    pair.sender.sent_bytes = sender.sent_bytes();
    pair.sender.requested_per_second = sender.plan().frames_per_second;
    pair.sender.requested_bits_per_second_l1 = sender.plan().bits_per_second;
    pair.sender.seconds = static_cast<double>(sender.elapsed()) / result.tsc_hz;
    pair.sender.tx_full = sender.tx_full();
    pair.returned = checker.unique();
    pair.corrupted = checker.corrupted();
    pair.foreign = checker.foreign();

    result.sent += pair.sender.sent;
    result.sent_bytes += pair.sender.sent_bytes;
    result.tx_full += pair.sender.tx_full;
    result.seconds = std::max(result.seconds, pair.sender.seconds);
    result.corrupted += pair.corrupted;
    result.damaged += checker.damaged();
    result.foreign += pair.foreign;
    result.loop_checks += checker.loop_checks();
    result.returned_bytes += checker.unique_bytes();
    result.returned_seconds =
        std::max(result.returned_seconds, static_cast<double>(checker.last_unique()) / result.tsc_hz);
    const auto streams = static_cast<std::uint16_t>(result.streams.size());
    for (std::uint16_t stream = 0; stream < streams; ++stream) {
        result.streams[stream].sent += sender.sent_of(stream);
        result.streams[stream].counts += checker.counts_of(stream);
    }
    result.round_trip.merge(checker.round_trip());
    result.send_delay.merge(sender.delay());
    result.queue_pairs.push_back(pair);
}

}  // namespace l2echo::probe
