#include "l2echo/report/report.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "l2echo/report/table.hpp"
#include "l2echo/wire/line_overhead.hpp"

namespace l2echo::report {
namespace {

using verdict::Count;
using verdict::PortCount;

/// Returns the increase between two readings; 0 if the counter decreased, as a device's does on a reset.
std::uint64_t growth(std::uint64_t before, std::uint64_t now) {
    return now - std::min(before, now);
}

double ratio(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

Rates make_rates(const verdict::FrameCounts& before, const verdict::FrameCounts& now, double seconds) {
    const auto bits = [](std::uint64_t bytes, std::uint64_t frames) {
        return wire::layer1_bits(static_cast<double>(frames), static_cast<double>(bytes));
    };
    const std::uint64_t received = growth(before[Count::Received], now[Count::Received]);
    const std::uint64_t echoed = growth(before[Count::Echoed], now[Count::Echoed]);
    Rates rates;
    rates.received_per_second = ratio(static_cast<double>(received), seconds);
    rates.echoed_per_second = ratio(static_cast<double>(echoed), seconds);
    rates.received_bits_per_second_l1 =
        ratio(bits(growth(before[Count::ReceivedBytes], now[Count::ReceivedBytes]), received), seconds);
    rates.echoed_bits_per_second_l1 =
        ratio(bits(growth(before[Count::EchoedBytes], now[Count::EchoedBytes]), echoed), seconds);
    return rates;
}

verdict::FrameCounts sum(const WorkerSnapshot& worker) {
    verdict::FrameCounts counts;
    for (const QueuePairSnapshot& pair : worker.queue_pairs)
        counts += pair.counts;
    return counts;
}

WorkerReport report_worker(const WorkerSnapshot& before, const WorkerSnapshot& now, double seconds,
                           double interval_cycles) {
    const verdict::FrameCounts past = sum(before);
    WorkerReport report;
    report.worker = now;
    report.counts = sum(now);
    report.rates = make_rates(past, report.counts, seconds);
    const auto frames = static_cast<double>(growth(past[Count::Received], report.counts[Count::Received]));
    const auto busy = static_cast<double>(growth(before.busy_cycles, now.busy_cycles));
    report.mean_burst =
        ratio(frames, static_cast<double>(growth(past[Count::Bursts], report.counts[Count::Bursts])));
    report.cycles_per_frame = ratio(busy, frames);
    report.busy_share = std::min(1.0, ratio(busy, interval_cycles));
    return report;
}

/// The counters of one queue pair before and now.
struct QueuePairChange {
    const QueuePairSnapshot& before;
    const QueuePairSnapshot& now;
    unsigned lcore;
};

std::vector<QueuePairChange> changes_of_port(std::uint16_t port, const Snapshot& before,
                                             const Snapshot& now) {
    std::vector<QueuePairChange> changes;
    for (std::size_t worker = 0; worker < now.workers.size(); ++worker) {
        const auto& pairs = now.workers[worker].queue_pairs;
        for (std::size_t i = 0; i < pairs.size(); ++i)
            if (pairs[i].port == port)
                changes.push_back(
                    {before.workers.at(worker).queue_pairs.at(i), pairs[i], now.workers[worker].lcore});
    }
    return changes;
}

PortReport report_port(std::size_t index, const Snapshot& before, const Snapshot& now) {
    PortReport report;
    report.port = now.ports[index];
    const verdict::PortCounts& past = before.ports.at(index).counts;
    report.missed = growth(past[PortCount::Missed], report.port.counts[PortCount::Missed]);
    report.no_mbuf = growth(past[PortCount::NoMbuf], report.port.counts[PortCount::NoMbuf]);
    for (const QueuePairChange& change : changes_of_port(report.port.id, before, now)) {
        const std::uint64_t received =
            growth(change.before.counts[Count::Received], change.now.counts[Count::Received]);
        report.counts += change.now.counts;
        report.max_retries = std::max(report.max_retries, change.now.max_retries);
        report.received += received;
        report.dropped += growth(change.before.counts[Count::Dropped], change.now.counts[Count::Dropped]);
        report.queues.push_back({change.now.queue, change.lcore, change.now.counts[Count::Received],
                                 static_cast<double>(received)});
    }
    for (QueueReport& queue : report.queues)
        queue.share = ratio(queue.share, static_cast<double>(report.received));
    return report;
}

void hint_if_nothing_arrived(const PortReport& report, double elapsed_seconds, std::vector<Hint>& hints) {
    constexpr double kPatienceSeconds = 3;  // time for the link and the sender to come up
    if (report.counts[Count::Received] != 0 || report.port.removed || elapsed_seconds < kPatienceSeconds)
        return;
    hints.push_back({report.port.id, HintKind::NothingArrived,
                     fmt::format("port {}: nothing arrived yet: link {}, promiscuous {}; send to MAC {}",
                                 report.port.id, report.port.link.up ? "up" : "down",
                                 report.port.promiscuous ? "on" : "off", report.port.mac)});
}

void hint_if_one_queue_has_all(const PortReport& report, std::vector<Hint>& hints) {
    constexpr double kNearlyAll = 0.9;
    constexpr std::uint64_t kEnoughFrames = 1000;  // fewer may end up on one queue by chance
    if (report.queues.size() < 2 || report.received < kEnoughFrames)
        return;
    for (const QueueReport& queue : report.queues)
        if (queue.share >= kNearlyAll)
            hints.push_back({report.port.id, HintKind::OneQueueHasAll,
                             fmt::format("port {}: queue {} gets nearly all frames: one flow, "
                                         "or frames that RSS does not hash (not IP); "
                                         "vary addresses or ports at the sender",
                                         report.port.id, queue.queue)});
}

void hint_about_losses(const PortReport& report, std::vector<Hint>& hints) {
    if (report.missed > 0)
        hints.push_back({report.port.id, HintKind::Missed,
                         fmt::format("port {}: the NIC missed frames: the workers are too slow for the load; "
                                     "use more lcores, or a larger --rx-descriptors against short bursts",
                                     report.port.id)});
    if (report.no_mbuf > 0)
        hints.push_back({report.port.id, HintKind::NoMbuf,
                         fmt::format("port {}: RX found its mempool empty; "
                                     "lower --rx-descriptors or --tx-descriptors within the memory there is",
                                     report.port.id)});
    if (report.dropped > 0 && report.max_retries == 0)
        hints.push_back(
            {report.port.id, HintKind::Dropped,
             fmt::format("port {}: frames were dropped at a full TX queue; --tx-full retry=N waits for it, "
                         "a larger --tx-descriptors takes longer bursts",
                         report.port.id)});
    if (report.dropped > 0 && report.max_retries > 0)
        hints.push_back(
            {report.port.id, HintKind::Dropped,
             fmt::format("port {}: frames were dropped at a full TX queue, "
                         "although each was tried again {}: the other end did not read for that long; "
                         "give it a CPU of its own, or send less",
                         report.port.id, format_count(report.max_retries, "time"))});
}

void hint_about_peer(const PortReport& report, std::vector<Hint>& hints) {
    if (report.port.arming.facing == verdict::Facing::Nobody)
        return;
    const bool reflector = report.port.arming.facing == verdict::Facing::Reflector;
    hints.push_back(
        {report.port.id, reflector ? HintKind::FacingReflector : HintKind::FacingLoop,
         fmt::format("port {}: {}: echoes would circulate endlessly, "
                     "so nothing is echoed until the link changes or the session is armed again; "
                     "--loop-check off if you know better",
                     report.port.id,
                     reflector
                         ? "another reflector returned our loop check; on a shared segment use --accept own"
                         : "our loop check came back as it was sent, from a loop plug, a hairpin or a hub")});
}

}  // namespace

Report make_report(const Snapshot& before, const Snapshot& now, bool final) {
    Report report;
    report.final = final;
    report.elapsed_seconds = now.seconds;
    report.interval_seconds = now.seconds - before.seconds;
    const auto interval_cycles = static_cast<double>(growth(before.tsc_cycles, now.tsc_cycles));
    verdict::FrameCounts past;
    for (std::size_t i = 0; i < now.workers.size(); ++i) {
        report.workers.push_back(
            report_worker(before.workers.at(i), now.workers[i], report.interval_seconds, interval_cycles));
        report.counts += report.workers.back().counts;
        past += sum(before.workers[i]);
    }
    report.rates = make_rates(past, report.counts, report.interval_seconds);
    for (std::size_t i = 0; i < now.ports.size(); ++i) {
        const PortSnapshot& port = now.ports[i];
        report.ports.push_back(report_port(i, before, now));
        report.port_counts += port.counts;
    }
    report.hints = find_hints(report);
    return report;
}

std::vector<Hint> find_hints(const Report& report) {
    std::vector<Hint> hints;
    for (const PortReport& port : report.ports) {
        hint_if_nothing_arrived(port, report.elapsed_seconds, hints);
        hint_if_one_queue_has_all(port, hints);
        hint_about_losses(port, hints);
        hint_about_peer(port, hints);
    }
    return hints;
}

}  // namespace l2echo::report
