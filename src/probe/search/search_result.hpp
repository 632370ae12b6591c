// The result of a rate search. Pure functions of their arguments.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "l2echo/probe/result/probe_result.hpp"
#include "probe/search/rate_search.hpp"

namespace l2echo::probe {

/// Round trips at a share of the rate found.
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

/// True if a search continues after a run with this end. A run that sent no frame lost all of them, which is
/// a valid result.
constexpr bool is_usable(RunEnd end) noexcept {
    return end == RunEnd::Complete || end == RunEnd::NothingSent;
}

struct SearchResult {
    std::string name;         ///< "ndr" or "pdr"
    double allowed_loss = 0;  ///< ratio
    FrameSizes sizes;
    RateSearch search;
    RunEnd end = RunEnd::Complete;  ///< end of the run that interrupted the search, if any
    std::vector<LoadedRoundTrip> round_trips;
    std::vector<std::pair<std::string, std::string>> environment;

    bool complete() const noexcept { return end == RunEnd::Complete; }
};

inline constexpr const char* kSearchSchema = "l2echo.search/1";

/// Returns text such as "The probe was the limit in 2 of 9 trials"; empty if it was in none.
std::string describe_probe_limit(const RateSearch& search);
nlohmann::ordered_json trial_json(const Trial& trial);
/// Renders one JSON object without a line break.
std::string render_json(const SearchResult& result);
/// Renders the human-readable result.
std::string render_text(const SearchResult& result);

}  // namespace l2echo::probe
