#include "l2echo/report/snapshot_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace l2echo::report {
namespace {

using metrics::Families;
using metrics::Family;
using metrics::Labels;
using metrics::Type;

constexpr double kBytesPerMegabit = 1e6 / 8;

/// Prometheus scrapes every 15 s to 60 s by default. A shorter time is enough for every scrape to see a hint
/// that still applies, and long enough for rates to be meaningful.
constexpr double kHintSeconds = 15;

template <typename Number>
std::string text_of(Number number) {
    return fmt::format("{}", number);
}

Labels labels_of(const PortSnapshot& port) {
    return {{"port", text_of(port.id)}};
}

Labels labels_of(const QueuePairSnapshot& pair, const WorkerSnapshot& worker) {
    return {{"port", text_of(pair.port)}, {"queue", text_of(pair.queue)}, {"lcore", text_of(worker.lcore)}};
}

/// The meaning of a counter as a sentence.
std::string help_of(std::string_view metric, std::string_view meaning) {
    if (metric.ends_with("_bytes"))
        return fmt::format("Layer 2 bytes, without FCS, of l2echo_{}_frames",
                           metric.substr(0, metric.size() - std::string_view("_bytes").size()));
    if (metric.ends_with("_frames"))
        return fmt::format("Frames: {}", meaning);
    std::string sentence(meaning);
    sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
    return sentence;
}

/// One sample per queue pair. `add` appends the samples of one.
template <typename Add>
Family per_queue_pair(const Snapshot& snapshot, std::string name, std::string help, const Add& add) {
    Family family{std::move(name), Type::Counter, std::move(help)};
    for (const WorkerSnapshot& worker : snapshot.workers)
        for (const QueuePairSnapshot& pair : worker.queue_pairs)
            add(family, labels_of(pair, worker), pair.counts);
    return family;
}

void add_frame_counts(Families& families, const Snapshot& snapshot) {
    for (const verdict::CountRow& row : verdict::kCountTable)
        families.push_back(
            per_queue_pair(snapshot, fmt::format("l2echo_{}", row.metric), help_of(row.metric, row.meaning),
                           [&row](Family& family, const Labels& labels, const verdict::FrameCounts& counts) {
                               family.samples.push_back({labels, counts[row.count]});
                           }));
    families.push_back(per_queue_pair(
        snapshot, "l2echo_refused_frames", "Frames that were not sent back on purpose, by reason",
        [](Family& family, const Labels& labels, const verdict::FrameCounts& counts) {
            for (const verdict::ReasonRow& row : verdict::kReasonTable) {
                Labels with_reason = labels;
                with_reason.emplace_back("reason", row.name);
                family.samples.push_back({std::move(with_reason), counts[row.reason]});
            }
        }));
}

void add_workers(Families& families, const Snapshot& snapshot, double tsc_hz) {
    Family busy{"l2echo_worker_busy_seconds", Type::Counter, "Time that the worker spent on frames"};
    Family running{"l2echo_worker_running", Type::Gauge, "1 if the worker is in its loop"};
    Family pairs{"l2echo_worker_queue_pairs", Type::Gauge, "Queue pairs that the worker polls"};
    for (const WorkerSnapshot& worker : snapshot.workers) {
        const Labels labels{{"lcore", text_of(worker.lcore)}};
        busy.samples.push_back({labels, static_cast<double>(worker.busy_cycles) / tsc_hz});
        running.samples.push_back({labels, static_cast<std::uint64_t>(worker.running)});
        pairs.samples.push_back({labels, std::uint64_t{worker.queue_pairs.size()}});
    }
    families.insert(families.end(), {std::move(busy), std::move(running), std::move(pairs)});
}

/// One sample per port.
template <typename Read>
Family per_port(const Snapshot& snapshot, std::string name, Type type, std::string help, const Read& read) {
    Family family{std::move(name), type, std::move(help)};
    for (const PortSnapshot& port : snapshot.ports)
        family.samples.push_back({labels_of(port), read(port)});
    return family;
}

Family port_info(const Snapshot& snapshot) {
    Family family{"l2echo_port", Type::Info, "Device, driver and MAC address of the port"};
    for (const PortSnapshot& port : snapshot.ports) {
        Labels labels = labels_of(port);
        labels.insert(labels.end(), {{"name", port.name}, {"driver", port.driver}, {"mac", port.mac}});
        family.samples.push_back({std::move(labels), std::uint64_t{1}});
    }
    return family;
}

Family port_state(const Snapshot& snapshot) {
    const std::vector<std::string_view> states{
        name_of(verdict::ArmingState{}), row_of(verdict::Reason::Disarmed).name,
        row_of(verdict::Reason::Expired).name, row_of(verdict::Reason::FacingReflector).name};
    Family family{"l2echo_port_state", Type::StateSet, "Whether the port echoes (armed), or why it does not"};
    for (const PortSnapshot& port : snapshot.ports)
        metrics::add_states(family, labels_of(port), states, name_of(port.arming));
    return family;
}

void add_ports(Families& families, const Snapshot& snapshot) {
    for (const verdict::PortCountRow& row : verdict::kPortCountTable)
        families.push_back(per_port(snapshot, fmt::format("l2echo_port_{}", row.metric), Type::Counter,
                                    help_of(row.metric, row.meaning),
                                    [&row](const PortSnapshot& port) { return port.counts[row.count]; }));
    families.push_back(per_port(snapshot, "l2echo_port_link_changes", Type::Counter,
                                "Changes of the link since start",
                                [](const PortSnapshot& port) { return port.link.changes; }));
    families.push_back(
        per_port(snapshot, "l2echo_port_link_up", Type::Gauge, "1 if the link is up",
                 [](const PortSnapshot& port) { return static_cast<std::uint64_t>(port.link.up); }));
    families.push_back(per_port(snapshot, "l2echo_port_speed_bytes", Type::Gauge,
                                "Speed of the link in bytes per second; 0 if it is not known",
                                [](const PortSnapshot& port) {
                                    return kBytesPerMegabit * static_cast<double>(port.link.speed_mbps);
                                }));
    families.push_back(
        per_port(snapshot, "l2echo_port_promiscuous", Type::Gauge, "1 if frames to any MAC are received",
                 [](const PortSnapshot& port) { return static_cast<std::uint64_t>(port.promiscuous); }));
    families.push_back(
        per_port(snapshot, "l2echo_port_removed", Type::Gauge, "1 if the device was removed while l2echo ran",
                 [](const PortSnapshot& port) { return static_cast<std::uint64_t>(port.removed); }));
    families.push_back(port_info(snapshot));
    families.push_back(port_state(snapshot));
}

Family hint_family(const Snapshot& snapshot, const std::vector<Hint>& hints) {
    Family family{"l2echo_hint", Type::Gauge, "1 if the report's hint applied within the last seconds"};
    for (const PortSnapshot& port : snapshot.ports)
        for (std::size_t kind = 0; kind < kHintNames.size(); ++kind) {
            const bool applies = std::ranges::any_of(hints, [&port, kind](const Hint& hint) {
                return hint.port == port.id && static_cast<std::size_t>(hint.kind) == kind;
            });
            Labels labels = labels_of(port);
            labels.emplace_back("hint", kHintNames[kind]);
            family.samples.push_back({std::move(labels), static_cast<std::uint64_t>(applies)});
        }
    return family;
}

}  // namespace

metrics::Families metrics_of(const Snapshot& snapshot, const std::vector<Hint>& hints, double tsc_hz) {
    Families families;
    add_frame_counts(families, snapshot);
    add_workers(families, snapshot, tsc_hz);
    add_ports(families, snapshot);
    families.push_back(hint_family(snapshot, hints));
    return families;
}

std::optional<std::string> not_ready_reason(const Snapshot& snapshot) {
    for (const WorkerSnapshot& worker : snapshot.workers)
        if (!worker.running)
            return fmt::format("the worker on lcore {} is not in its loop", worker.lcore);
    for (const PortSnapshot& port : snapshot.ports) {
        if (port.removed)
            return fmt::format("port {} ({}) was removed", port.id, port.name);
        if (!port.link.up)
            return fmt::format("port {} ({}): link is down", port.id, port.name);
    }
    return std::nullopt;
}

std::vector<Hint> RecentHints::update(const Snapshot& now) {
    if (!last_ || now.seconds - last_->seconds >= kHintSeconds) {
        if (last_)
            before_ = std::move(*last_);
        else
            before_ = now;
        last_ = now;
    }
    return make_report(*before_, now, false).hints;
}

}  // namespace l2echo::report
