// Finds the highest rate that the far end sustains, similar to MLRsearch (RFC draft ietf-bmwg-mlrsearch): the
// first guess is the rate that came back at full rate, and both bounds are part of the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace l2echo::probe {

/// One run at one rate. A frame that the sender could not send counts as lost, because the rate was not
/// sustained.
struct Trial {
    double frames_per_second = 0;
    double seconds = 0;
    std::uint64_t intended = 0;   ///< frames at that rate in that time
    std::uint64_t lost = 0;       ///< intended frames that did not return intact, for any cause
    bool sender_limited = false;  ///< the probe was the limit

    double loss_ratio() const noexcept {
        return intended == 0 ? 1.0 : static_cast<double>(lost) / static_cast<double>(intended);
    }
};

/// Goal of a search: the highest rate that loses no more than this.
struct RateGoal {
    const char* name;
    double allowed_loss;  ///< ratio
};
inline constexpr RateGoal kNdr{"ndr", 0};
inline constexpr RateGoal kPdr{"pdr", 0.005};

/// Usage: run the rate that next() returns and record() the trial, until next() is empty.
class RateSearch {
  public:
    /// `max_rate` is the rate of the first trial in frames per second, the maximum that the sender can or may
    /// send. `allowed_loss` is 0 for the NDR, 0.005 for the PDR. The final bounds are within `width` of each
    /// other, relative to the upper one.
    RateSearch(double max_rate, double allowed_loss, double width = 0.005);

    /// Returns the rate of the next trial; empty if the bounds are close enough, or no rate passes.
    std::optional<double> next() const noexcept;
    void record(const Trial& trial);

    /// Returns the highest rate that lost no more than allowed and is below every rate that lost more.
    const std::optional<Trial>& lower() const noexcept { return lower_; }
    /// Returns the lowest rate that lost more; empty if the sender's maximum passed.
    const std::optional<Trial>& upper() const noexcept { return upper_; }
    const std::vector<Trial>& trials() const noexcept { return trials_; }
    /// True if a trial at less than half the rate of another one lost as large a share, and both lost too
    /// much: the loss does not come from the rate.
    bool loss_ignores_rate() const noexcept;
    /// Returns the number of trials in which the probe was the limit.
    std::size_t sender_limited_trials() const noexcept;

  private:
    double max_rate_;
    double allowed_loss_;
    double width_;
    std::optional<Trial> lower_;
    std::optional<Trial> upper_;
    std::vector<Trial> trials_;
};

}  // namespace l2echo::probe
