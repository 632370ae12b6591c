// What a sweep of frame sizes found. Pure functions of their arguments.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "probe/search/search_result.hpp"

namespace l2echo::probe {

/// A goal and the search for it.
struct GoalSearch {
    RateGoal goal;
    RateSearch search;
};

/// All that was measured with frames of one size.
struct SweepSize {
    std::string size;        ///< as asked for: "64", "512-1024", "imix"
    double frame_bytes = 0;  ///< with FCS; the mean where they differ
    /// In the order of their run, the loosest first: round trips are at shares of its rate. The second one
    /// begins with the trials of the first, so that the last one has them all.
    std::vector<GoalSearch> searches;
    std::vector<LoadedRoundTrip> round_trips;  ///< share 0: no load to speak of
    std::uint32_t smallest = 64;               ///< of the frames, with FCS
    std::uint32_t largest = 64;

    double bits_per_second_l2(double frames_per_second) const noexcept {
        return 8 * frame_bytes * frames_per_second;
    }
    double bits_per_second_l1(double frames_per_second) const noexcept;
};

struct SweepResult {
    std::string command;             ///< as it can be typed again
    std::string started;             ///< date and time, UTC
    std::vector<std::string> asked;  ///< all sizes, measured or not
    std::uint32_t link_mbps = 0;     ///< 0: unknown
    double trial_seconds = 1;        ///< of each trial and each measurement of round trips
    RunEnd end = RunEnd::Complete;   ///< of the run that ended it, if one did
    std::vector<SweepSize> sizes;
    std::vector<std::pair<std::string, std::string>> environment;

    /// All sizes were measured.
    bool complete() const noexcept { return sizes.size() == asked.size(); }
};

inline constexpr const char* kSweepSchema = "l2echo.sweep/1";

/// "NDR"
std::string title_of(const RateGoal& goal);
/// "no load", "10 % of PDR"
std::string describe_load(const SweepSize& size, const LoadedRoundTrip& loaded);
/// Where fewer frames came back than it takes for one to lie beyond the percentile, it would only be the
/// largest value again.
bool can_tell(const LoadedRoundTrip& loaded, double percent) noexcept;

/// The file of this histogram in the folder of the sweep; empty if no frame came back.
std::string histogram_file(const SweepSize& size, const LoadedRoundTrip& loaded);

/// One JSON object of several lines, with every trial.
std::string render_json(const SweepResult& result);
/// Tables for people.
std::string render_markdown(const SweepResult& result);

}  // namespace l2echo::probe
