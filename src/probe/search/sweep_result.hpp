// The result of a sweep of frame sizes. Pure functions of their arguments.
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

/// All measurements with one frame size.
struct SweepSize {
    std::string size;        ///< as requested: "64", "512-1024", "imix"
    double frame_bytes = 0;  ///< including FCS; the mean if sizes differ
    /// In the order in which they ran, loosest goal first: the loads of the round trips are shares of its
    /// rate. The second search begins with the trials of the first, so the last one has all trials.
    std::vector<GoalSearch> searches;
    std::vector<LoadedRoundTrip> round_trips;  ///< share 0: practically no load
    std::uint32_t smallest = 64;               ///< smallest frame, including FCS
    std::uint32_t largest = 64;

    double bits_per_second_l2(double frames_per_second) const noexcept {
        return 8 * frame_bytes * frames_per_second;
    }
    double bits_per_second_l1(double frames_per_second) const noexcept;
};

struct SweepResult {
    std::string command;             ///< can be typed again as is
    std::string started;             ///< date and time, UTC
    std::vector<std::string> asked;  ///< all sizes, measured or not
    std::uint32_t link_mbps = 0;     ///< 0: unknown
    double trial_seconds = 1;        ///< length of each trial and each round-trip measurement
    RunEnd end = RunEnd::Complete;   ///< end of the run that interrupted the sweep, if any
    std::vector<SweepSize> sizes;
    std::vector<std::pair<std::string, std::string>> environment;

    /// True if all sizes were measured.
    bool complete() const noexcept { return sizes.size() == asked.size(); }
};

inline constexpr const char* kSweepSchema = "l2echo.sweep/1";

/// Returns the title, such as "NDR".
std::string title_of(const RateGoal& goal);
/// Returns text such as "no load" or "10 % of PDR".
std::string describe_load(const SweepSize& size, const LoadedRoundTrip& loaded);
/// False if so few frames came back that this percentile equals the maximum.
bool can_tell(const LoadedRoundTrip& loaded, double percent) noexcept;

/// Returns the name of this histogram's file in the sweep's folder; empty if no frame came back.
std::string histogram_file(const SweepSize& size, const LoadedRoundTrip& loaded);

/// Renders one multi-line JSON object with every trial.
std::string render_json(const SweepResult& result);
/// Renders human-readable tables.
std::string render_markdown(const SweepResult& result);

}  // namespace l2echo::probe
