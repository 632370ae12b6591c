#include "probe/search/search_result.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "l2echo/report/table.hpp"
#include "probe/result/environment_json.hpp"

namespace l2echo::probe {
namespace {

using Json = nlohmann::ordered_json;

Json bound_json(const std::optional<Trial>& bound) {
    return bound ? trial_json(*bound) : Json(nullptr);
}

Json round_trip_json(const LoadedRoundTrip& loaded) {
    return {{"share", loaded.share},
            {"frames_per_second", loaded.frames_per_second},
            {"lost", loaded.lost},
            {"count", loaded.round_trip.count()},
            {"p50_ns", loaded.nanoseconds(50)},
            {"p99_ns", loaded.nanoseconds(99)},
            {"p99_9_ns", loaded.nanoseconds(99.9)},
            {"max_ns", loaded.nanoseconds(100)}};
}

std::string bound_text(const std::optional<Trial>& bound, const char* none) {
    return bound ? report::format_scaled(bound->frames_per_second, "frames/s") : none;
}

}  // namespace

std::string describe_probe_limit(const RateSearch& search) {
    if (search.sender_limited_trials() == 0)
        return {};
    return fmt::format("The probe was the limit in {} of {}", search.sender_limited_trials(),
                       report::format_count(search.trials().size(), "trial"));
}

Json trial_json(const Trial& trial) {
    return {{"frames_per_second", trial.frames_per_second},
            {"seconds", trial.seconds},
            {"intended", trial.intended},
            {"lost", trial.lost},
            {"loss_ratio", trial.loss_ratio()},
            {"sender_limited", trial.sender_limited}};
}

std::string render_json(const SearchResult& result) {
    Json json;
    json["schema"] = kSearchSchema;
    json["complete"] = result.complete();
    json["ended"] = row_of(result.end).name;
    json["search"] = result.name;
    json["allowed_loss"] = result.allowed_loss;
    json["sizes"] = result.sizes.text;
    json["smallest_size"] = result.sizes.smallest;
    json["largest_size"] = result.sizes.largest;
    json["lower"] = bound_json(result.search.lower());
    json["upper"] = bound_json(result.search.upper());
    json["sender_limited_trials"] = result.search.sender_limited_trials();
    Json& trials = json["trials"] = Json::array();
    for (const Trial& trial : result.search.trials())
        trials.push_back(trial_json(trial));
    Json& round_trips = json["round_trips"] = Json::array();
    for (const LoadedRoundTrip& loaded : result.round_trips)
        round_trips.push_back(round_trip_json(loaded));
    json["environment"] = environment_json(result.environment);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string render_text(const SearchResult& result) {
    std::string text;
    auto out = std::back_inserter(text);
    if (!result.complete())
        fmt::format_to(out, "NOT COMPLETE: {}\n", row_of(result.end).meaning);
    fmt::format_to(out, "{} (loss of at most {:g} %), {}: {} sustained, {} not; {}\n", result.name,
                   100 * result.allowed_loss, describe(result.sizes),
                   bound_text(result.search.lower(), "no rate"),
                   bound_text(result.search.upper(), "no rate tried"),
                   report::format_count(result.search.trials().size(), "trial"));
    if (const std::string limit = describe_probe_limit(result.search); !limit.empty())
        fmt::format_to(out, "{}: it could not send at the rate asked; give it more lcores{}\n", limit,
                       result.search.upper() && result.search.upper()->sender_limited
                           ? ", because the far end may sustain more"
                           : "");
    if (result.search.loss_ignores_rate())
        fmt::format_to(
            out,
            "Loss did not fall with the rate, so it is no limit: "
            "the machine may have stalled the probe or the far end; repeat the search when it is idle\n");
    for (const LoadedRoundTrip& loaded : result.round_trips)
        fmt::format_to(
            out,
            "round trip at {:.0f} % of it: p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max {:.1f} us\n",
            100 * loaded.share, loaded.nanoseconds(50) / 1000, loaded.nanoseconds(99) / 1000,
            loaded.nanoseconds(99.9) / 1000, loaded.nanoseconds(100) / 1000);
    return text;
}

}  // namespace l2echo::probe
