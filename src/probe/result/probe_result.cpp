#include "l2echo/probe/result/probe_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "l2echo/report/table.hpp"
#include "l2echo/wire/line_overhead.hpp"
#include "probe/result/environment_json.hpp"

namespace l2echo::probe {
namespace {

using Json = nlohmann::ordered_json;

double bits_per_second_l1(std::uint64_t frames, std::uint64_t bytes, double seconds) {
    return seconds > 0 ? wire::layer1_bits(static_cast<double>(frames), static_cast<double>(bytes)) / seconds
                       : 0;
}

Json histogram_json(const ProbeResult& result, const Histogram& histogram) {
    const auto ns = [&result](auto cycles) { return result.nanoseconds(static_cast<double>(cycles)); };
    Json json;
    json["count"] = histogram.count();
    json["min"] = ns(histogram.min());
    json["mean"] = ns(histogram.mean());
    for (const Percentile& percentile : kPercentiles)
        json[percentile.key] = ns(histogram.percentile(percentile.percent));
    json["max"] = ns(histogram.max());
    return json;
}

Json stream_json(std::size_t stream, const StreamResult& result) {
    return {{"stream", stream},
            {"sent", result.sent},
            {"returned", result.counts.unique},
            {"duplicated", result.counts.duplicated},
            {"reordered", result.counts.reordered},
            {"largest_distance", result.counts.largest_distance},
            {"late", result.counts.late}};
}

Json queue_pair_json(std::size_t queue, const QueuePairResult& pair) {
    return {{"queue_pair", queue},
            {"sender_lcore", pair.lcores.sender},
            {"checker_lcore", pair.lcores.checker},
            {"sent", pair.sender.sent},
            {"sent_per_second", pair.sender.sent_per_second()},
            {"sender_limited", pair.sender.fell_behind()},
            {"tx_full", pair.sender.tx_full},
            {"returned", pair.returned},
            {"corrupted", pair.corrupted},
            {"foreign", pair.foreign}};
}

std::string queue_pair_text(std::size_t queue, const QueuePairResult& pair) {
    return fmt::format("queue pair {} ({}): sent {}, {}{}; returned here {}\n", queue, describe(pair.lcores),
                       pair.sender.sent, report::format_scaled(pair.sender.sent_per_second(), "frames/s"),
                       pair.sender.fell_behind() ? " (the probe was the limit)" : "", pair.returned);
}

std::string format_microseconds(double nanoseconds) {
    return fmt::format("{:.1f} us", nanoseconds / 1000);
}

}  // namespace

StreamCounts ProbeResult::totals() const noexcept {
    StreamCounts totals;
    for (const StreamResult& stream : streams)
        totals += stream.counts;
    return totals;
}

std::uint64_t ProbeResult::lost() const noexcept {
    const StreamCounts all = totals();
    const std::uint64_t accounted = all.unique + all.late + damaged;
    return sent - std::min(sent, accounted);
}

std::uint64_t ProbeResult::not_intact() const noexcept {
    return sent - std::min(sent, round_trip.count());
}

double SendResult::sent_bits_per_second_l1() const noexcept {
    return bits_per_second_l1(sent, sent_bytes, seconds);
}

double ProbeResult::returned_per_second() const noexcept {
    return returned_seconds > 0 ? static_cast<double>(totals().unique) / returned_seconds : 0;
}

double ProbeResult::returned_bits_per_second_l1() const noexcept {
    return bits_per_second_l1(totals().unique, returned_bytes, returned_seconds);
}

bool SendResult::fell_behind() const noexcept {
    constexpr double kKeptUp = 0.999;
    // A difference of one frame may be rounding in a short run.
    const double frames = requested_per_second * kKeptUp * seconds - 1;
    return (requested_per_second > 0 && static_cast<double>(sent) < frames) ||
           (requested_bits_per_second_l1 > 0 &&
            sent_bits_per_second_l1() < requested_bits_per_second_l1 * kKeptUp && sent > 1000);
}

bool ProbeResult::sender_limited() const noexcept {
    return fell_behind() ||
           std::ranges::any_of(queue_pairs, [](const auto& pair) { return pair.sender.fell_behind(); });
}

std::vector<std::string> failed_gates(const ProbeResult& result, const Gates& gates) {
    std::vector<std::string> failed;
    if (gates.loss && result.not_intact() > *gates.loss)
        failed.push_back(fmt::format(
            "{} of {} frames did not come back intact (lost {}, corrupted {}, late {}), --require-loss allows {}",
            result.not_intact(), result.sent, result.lost(), result.corrupted, result.totals().late,
            *gates.loss));
    const double p99 = result.nanoseconds(static_cast<double>(result.round_trip.percentile(99))) / 1e9;
    if (gates.p99_seconds && result.round_trip.count() == 0)
        failed.emplace_back("no frame came back intact, so there is no round trip for --require-p99");
    else if (gates.p99_seconds && p99 > *gates.p99_seconds)
        failed.push_back(fmt::format("p99 of the round trip is {:.1f} us, --require-p99 allows {:.1f} us",
                                     p99 * 1e6, *gates.p99_seconds * 1e6));
    if (gates.frames_per_second && result.sent_per_second() < *gates.frames_per_second)
        failed.push_back(fmt::format("sent {}, --require-rate asks for {}",
                                     report::format_scaled(result.sent_per_second(), "frames/s"),
                                     report::format_scaled(*gates.frames_per_second, "frames/s")));
    if (gates.bits_per_second_l1 && result.sent_bits_per_second_l1() < *gates.bits_per_second_l1)
        failed.push_back(fmt::format("sent {} at layer 1, --require-rate asks for {}",
                                     report::format_scaled(result.sent_bits_per_second_l1(), "bit/s"),
                                     report::format_scaled(*gates.bits_per_second_l1, "bit/s")));
    return failed;
}

std::string render_json(const ProbeResult& result, const std::vector<std::string>& failed_gates) {
    const StreamCounts totals = result.totals();
    Json json;
    json["schema"] = kProbeSchema;
    json["complete"] = result.complete();
    json["ended"] = result.how_it_ended().name;
    json["sizes"] = result.sizes.text;
    json["smallest_size"] = result.sizes.smallest;
    json["largest_size"] = result.sizes.largest;
    json["sent"] = result.sent;
    json["sent_bytes"] = result.sent_bytes;
    json["returned"] = totals.unique;
    json["lost"] = result.lost();
    json["duplicated"] = totals.duplicated;
    json["reordered"] = totals.reordered;
    json["largest_distance"] = totals.largest_distance;
    json["corrupted"] = result.corrupted;
    json["foreign"] = result.foreign;
    json["loop_checks"] = result.loop_checks;
    json["late"] = totals.late;
    json["missed"] = result.missed;
    json["link_changes"] = result.link_changes;
    json["warm_up"] = {{"sent", result.warm_up.sent}, {"lost", result.warm_up.lost}};
    json["seconds"] = result.seconds;
    json["rate"] = {{"requested_per_second", result.requested_per_second},
                    {"requested_bits_per_second_l1", result.requested_bits_per_second_l1},
                    {"sent_per_second", result.sent_per_second()},
                    {"sent_bits_per_second_l1", result.sent_bits_per_second_l1()},
                    {"returned_per_second", result.returned_per_second()},
                    {"returned_bits_per_second_l1", result.returned_bits_per_second_l1()},
                    {"sender_limited", result.sender_limited()},
                    {"tx_full", result.tx_full},
                    {"send_delay_ns", histogram_json(result, result.send_delay)}};
    json["open_loop"] = result.open_loop();
    json["round_trip_ns"] = histogram_json(result, result.round_trip);
    json["self_loop_ns"] = histogram_json(result, result.self_loop);
    json["clock"] = {{"source", "TSC"}, {"hz", result.tsc_hz}};
    Json& pairs = json["queue_pairs"] = Json::array();
    for (std::size_t queue = 0; queue < result.queue_pairs.size(); ++queue)
        pairs.push_back(queue_pair_json(queue, result.queue_pairs[queue]));
    Json& streams = json["streams"] = Json::array();
    for (std::size_t stream = 0; stream < result.streams.size(); ++stream)
        streams.push_back(stream_json(stream, result.streams[stream]));
    json["environment"] = environment_json(result.environment);
    json["failed_gates"] = failed_gates;
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string render_text(const ProbeResult& result) {
    const StreamCounts totals = result.totals();
    std::string text;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "sent {} in {:.3f} s: {}, {} at layer 1{}\n",
                   report::format_count(result.sent, "frame"), result.seconds,
                   report::format_scaled(result.sent_per_second(), "frames/s"),
                   report::format_scaled(result.sent_bits_per_second_l1(), "bit/s"),
                   result.sender_limited() ? " (the probe was the limit)" : "");
    fmt::format_to(
        out,
        "returned {}, lost {}, duplicated {}, reordered {} (by {} at most), corrupted {}, foreign {}, "
        "late {}{}; came back at {}, {} at layer 1\n",
        totals.unique, result.lost(), totals.duplicated, totals.reordered, totals.largest_distance,
        result.corrupted, result.foreign, totals.late,
        result.loop_checks > 0 ? fmt::format(", loop checks {}", result.loop_checks) : "",
        report::format_scaled(result.returned_per_second(), "frames/s"),
        report::format_scaled(result.returned_bits_per_second_l1(), "bit/s"));
    if (!result.complete())
        fmt::format_to(out, "NOT COMPLETE: {}\n", result.how_it_ended().meaning);
    if (result.missed > 0)
        fmt::format_to(out, "the probe's own port missed {}: its checker was the limit\n",
                       report::format_count(result.missed, "frame"));
    if (result.link_changes > 0)
        fmt::format_to(out, "the link changed {} during the run\n",
                       report::format_count(result.link_changes, "time"));
    fmt::format_to(out, "{}\n", describe(result.sizes));
    for (std::size_t queue = 0; queue < result.queue_pairs.size() && result.queue_pairs.size() > 1; ++queue)
        text += queue_pair_text(queue, result.queue_pairs[queue]);
    if (result.round_trip.count() == 0)
        return text;
    const auto us = [&result](auto cycles) {
        return format_microseconds(result.nanoseconds(static_cast<double>(cycles)));
    };
    fmt::format_to(out, "round trip{}: min {}, mean {}",
                   result.open_loop() ? "" : " (from the moment of sending: no rate was given)",
                   us(result.round_trip.min()), us(result.round_trip.mean()));
    for (const Percentile& percentile : kPercentiles)
        fmt::format_to(out, ", {} {}", percentile.label,
                       us(result.round_trip.percentile(percentile.percent)));
    fmt::format_to(out, ", max {}\n", us(result.round_trip.max()));
    fmt::format_to(out,
                   "of that the probe itself: p50 {}, p99 {} (frames written and checked without a wire)\n",
                   us(result.self_loop.percentile(50)), us(result.self_loop.percentile(99)));
    return text;
}

}  // namespace l2echo::probe
