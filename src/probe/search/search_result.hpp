// What a rate search found. Pure functions of their arguments.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "l2echo/probe/result/probe_result.hpp"
#include "probe/search/rate_search.hpp"

namespace l2echo::probe {

/// Round trips at a share of the rate that was found.
struct LoadedRoundTrip {
    double share = 0;
    double frames_per_second = 0;
    std::uint64_t lost = 0;
    double tsc_hz = 1;
    Histogram round_trip;  ///< TSC cycles

    double nanoseconds(double percent) const noexcept {
        return static_cast<double>(round_trip.percentile(percent)) * 1e9 / tsc_hz;
    }
};

/// Whether a search continues after a run that ended so. Where no frame was sent, all were lost: that is a
/// result.
constexpr bool is_usable(RunEnd end) noexcept {
    return end == RunEnd::Complete || end == RunEnd::NothingSent;
}

struct SearchResult {
    std::string name;         ///< "ndr" or "pdr"
    double allowed_loss = 0;  ///< ratio
    FrameSizes sizes;
    RateSearch search;
    RunEnd end = RunEnd::Complete;  ///< of the run that ended it, if one did
    std::vector<LoadedRoundTrip> round_trips;
    std::vector<std::pair<std::string, std::string>> environment;

    bool complete() const noexcept { return end == RunEnd::Complete; }
};

inline constexpr const char* kSearchSchema = "l2echo.search/1";

nlohmann::ordered_json trial_json(const Trial& trial);
/// One JSON object without line break.
std::string render_json(const SearchResult& result);
/// For people.
std::string render_text(const SearchResult& result);

}  // namespace l2echo::probe
