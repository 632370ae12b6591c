#include "probe/search/sweep_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "l2echo/wire/line_overhead.hpp"
#include "probe/result/environment_json.hpp"

namespace l2echo::probe {
namespace {

using Json = nlohmann::ordered_json;

Json bound_json(const SweepSize& size, const std::optional<Trial>& bound) {
    if (!bound)
        return nullptr;
    const double rate = bound->frames_per_second;
    return {{"frames_per_second", rate},
            {"bits_per_second_l1", size.bits_per_second_l1(rate)},
            {"bits_per_second_l2", size.bits_per_second_l2(rate)},
            {"loss_ratio", bound->loss_ratio()},
            {"sender_limited", bound->sender_limited}};
}

Json goal_json(const SweepSize& size, const GoalSearch& entry) {
    return {{"allowed_loss", entry.goal.allowed_loss},
            {"lower", bound_json(size, entry.search.lower())},
            {"upper", bound_json(size, entry.search.upper())}};
}

Json round_trip_json(const SweepSize& size, const LoadedRoundTrip& loaded) {
    Json json{{"load", describe_load(size, loaded)},
              {"share", loaded.share},
              {"frames_per_second", loaded.frames_per_second},
              {"lost", loaded.lost},
              {"count", loaded.round_trip.count()}};
    for (const Percentile& entry : kPercentiles)
        json[fmt::format("{}_ns", entry.key)] =
            can_tell(loaded, entry.percent) ? Json(loaded.nanoseconds(entry.percent)) : Json(nullptr);
    json["max_ns"] = can_tell(loaded, 0) ? Json(loaded.nanoseconds(100)) : Json(nullptr);
    const std::string file = histogram_file(size, loaded);
    json["histogram"] = file.empty() ? Json(nullptr) : Json(file);
    return json;
}

Json size_json(const SweepResult& result, const SweepSize& size) {
    Json json{{"size", size.size},
              {"smallest_size", size.smallest},
              {"largest_size", size.largest},
              {"frame_bytes", size.frame_bytes}};
    json["link_frames_per_second"] =
        result.link_mbps > 0 ? Json(result.link_mbps * 1e6 / size.bits_per_second_l1(1)) : Json(nullptr);
    for (const GoalSearch& entry : size.searches)
        json[entry.goal.name] = goal_json(size, entry);
    const std::size_t limited =
        size.searches.empty() ? 0 : size.searches.back().search.sender_limited_trials();
    json["sender_limited_trials"] = limited;
    Json& trials = json["trials"] = Json::array();
    if (!size.searches.empty())
        for (const Trial& trial : size.searches.back().search.trials())
            trials.push_back(trial_json(trial));
    Json& round_trips = json["round_trips"] = Json::array();
    for (const LoadedRoundTrip& loaded : size.round_trips)
        round_trips.push_back(round_trip_json(size, loaded));
    return json;
}

using Text = std::back_insert_iterator<std::string>;

/// Escapes vertical bars, which would end the cell.
std::string escaped(const std::string& cell) {
    std::string text;
    for (const char letter : cell)
        text += letter == '|' ? std::string("\\|") : std::string(1, letter);
    return text;
}

std::string describe_end(const SweepResult& result) {
    return result.end == RunEnd::Complete ? "" : fmt::format(": {}", row_of(result.end).meaning);
}

void add_stamp(Text out, const SweepResult& result) {
    fmt::format_to(out, "# Sweep of frame sizes\n\n");
    if (!result.complete())
        fmt::format_to(out, "**Not complete**: {} of {} sizes were measured{}.\n\n", result.sizes.size(),
                       result.asked.size(), describe_end(result));
    fmt::format_to(out, "    {}\n\n", result.command);
    fmt::format_to(out, "| | |\n|---|---|\n| started | {} |\n", result.started);
    for (const auto& [key, value] : result.environment)
        fmt::format_to(out, "| {} | {} |\n", key, escaped(value));
    if (result.link_mbps > 0)
        fmt::format_to(out, "| link | {} Mbit/s |\n", result.link_mbps);
    fmt::format_to(out, "| each trial | {:g} s |\n\n", result.trial_seconds);
}

std::string limit_of(const RateSearch& search) {
    if (!search.upper())
        return "none found: the highest rate tried passed";
    return search.upper()->sender_limited ? "the probe" : "loss";
}

std::string megabits(double bits_per_second) {
    return fmt::format("{:.1f}", bits_per_second / 1e6);
}

void add_rate(Text out, const SweepSize& size, const GoalSearch& entry) {
    const auto& lower = entry.search.lower();
    const auto& upper = entry.search.upper();
    const double rate = lower ? lower->frames_per_second : 0;
    fmt::format_to(out, "| {} | {} | {:.0f} | {} | {} | {} | {} |\n", size.size, title_of(entry.goal), rate,
                   megabits(size.bits_per_second_l1(rate)), megabits(size.bits_per_second_l2(rate)),
                   upper ? fmt::format("{:.0f}", upper->frames_per_second) : "-", limit_of(entry.search));
}

void add_rates(Text out, const SweepResult& result) {
    fmt::format_to(
        out,
        "## Rates\n\nNDR is the highest rate that lost nothing, "
        "PDR the highest that lost at most {:g} %; 0 where none passed. "
        "The upper bound is the lowest rate that lost more. Sizes count the FCS; "
        "L1 counts gap and preamble (20 bytes) too.\n\n"
        "| size | goal | frames/s | Mbit/s L1 | Mbit/s L2 | upper bound, frames/s | limited by |\n|---|---|--:|--:|--:|--:|---|\n",
        100 * kPdr.allowed_loss);
    for (const SweepSize& size : result.sizes)
        for (const GoalSearch& entry : size.searches)
            add_rate(out, size, entry);
    for (const SweepSize& size : result.sizes)
        if (const std::string limit =
                size.searches.empty() ? "" : describe_probe_limit(size.searches.back().search);
            !limit.empty())
            fmt::format_to(out, "\nSize {}: {}.\n", size.size, limit);
}

void add_round_trip(Text out, const SweepSize& size, const LoadedRoundTrip& loaded) {
    const auto microseconds = [&loaded](double wanted, double shown) {
        return can_tell(loaded, wanted) ? fmt::format("{:.1f}", loaded.nanoseconds(shown) / 1000) : "-";
    };
    fmt::format_to(out, "| {} | {} | {:.0f} | {} | {} |", size.size, describe_load(size, loaded),
                   loaded.frames_per_second, loaded.round_trip.count(), loaded.lost);
    for (const Percentile& entry : kPercentiles)
        fmt::format_to(out, " {} |", microseconds(entry.percent, entry.percent));
    fmt::format_to(out, " {} |\n", microseconds(0, 100));
}

void add_round_trips(Text out, const SweepResult& result) {
    fmt::format_to(out,
                   "\n## Round trips\n\nIn microseconds, from the planned moment of sending; "
                   "- where too few frames came back to tell.\n\n"
                   "| size | load | frames/s | returned | lost |");
    for (const Percentile& entry : kPercentiles)
        fmt::format_to(out, " {} |", entry.label);
    fmt::format_to(out, " max |\n|---|---|--:|--:|--:|");
    for (std::size_t column = 0; column <= kPercentiles.size(); ++column)
        fmt::format_to(out, "--:|");
    fmt::format_to(out, "\n");
    for (const SweepSize& size : result.sizes)
        for (const LoadedRoundTrip& loaded : size.round_trips)
            add_round_trip(out, size, loaded);
}

}  // namespace

double SweepSize::bits_per_second_l1(double frames_per_second) const noexcept {
    return 8 * (frame_bytes + wire::kGapAndPreamble) * frames_per_second;
}

std::string title_of(const RateGoal& goal) {
    std::string title = goal.name;
    std::ranges::transform(title, title.begin(), [](char letter) { return letter - 'a' + 'A'; });
    return title;
}

std::string describe_load(const SweepSize& size, const LoadedRoundTrip& loaded) {
    if (loaded.share == 0)
        return "no load";
    return fmt::format("{:.0f} % of {}", 100 * loaded.share, title_of(size.searches.front().goal));
}

bool can_tell(const LoadedRoundTrip& loaded, double percent) noexcept {
    constexpr double kRounding = 1e-6;
    return static_cast<double>(loaded.round_trip.count()) * (100 - percent) >= 100 - kRounding;
}

std::string histogram_file(const SweepSize& size, const LoadedRoundTrip& loaded) {
    if (loaded.round_trip.count() == 0)
        return {};
    return fmt::format("round_trip_{}_load_{:02.0f}.hgrm", size.size, 100 * loaded.share);
}

std::string render_json(const SweepResult& result) {
    Json json;
    json["schema"] = kSweepSchema;
    json["complete"] = result.complete();
    json["ended"] =
        result.complete() || result.end != RunEnd::Complete ? Json(row_of(result.end).name) : Json(nullptr);
    json["command"] = result.command;
    json["started"] = result.started;
    json["trial_seconds"] = result.trial_seconds;
    json["link_mbps"] = result.link_mbps > 0 ? Json(result.link_mbps) : Json(nullptr);
    json["asked"] = result.asked;
    Json& sizes = json["sizes"] = Json::array();
    for (const SweepSize& size : result.sizes)
        sizes.push_back(size_json(result, size));
    json["environment"] = environment_json(result.environment);
    constexpr int kIndent = 2;
    return json.dump(kIndent, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string render_markdown(const SweepResult& result) {
    std::string text;
    Text out(text);
    add_stamp(out, result);
    add_rates(out, result);
    add_round_trips(out, result);
    return text;
}

}  // namespace l2echo::probe
