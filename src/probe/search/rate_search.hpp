// Finds the highest rate that a far end sustains, in the manner of MLRsearch (RFC draft ietf-bmwg-mlrsearch):
// the first guess is what came back at full rate, and both bounds are part of the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace l2echo::probe {

/// One run at one rate. A frame that the sender did not manage to send counts as lost: the rate was not
/// sustained.
struct Trial {
    double frames_per_second = 0;
    double seconds = 0;
    std::uint64_t intended = 0;   ///< frames of that rate in that time
    std::uint64_t lost = 0;       ///< intended and not returned intact, whoever lost them
    bool sender_limited = false;  ///< the probe was the limit

    double loss_ratio() const noexcept {
        return intended == 0 ? 1.0 : static_cast<double>(lost) / static_cast<double>(intended);
    }
};

/// What a search looks for: the highest rate that loses no more than this.
struct RateGoal {
    const char* name;
    double allowed_loss;  ///< ratio
};
inline constexpr RateGoal kNdr{"ndr", 0};
inline constexpr RateGoal kPdr{"pdr", 0.005};

/// Ask next(), run it, record() it, until there is no next.
class RateSearch {
  public:
    /// `max_rate`: frames per second of the first trial, the most that the sender can or may send.
    /// `allowed_loss`: 0 finds the NDR, 0.005 the PDR. The bounds end within `width` of each other, relative
    /// to the upper one.
    RateSearch(double max_rate, double allowed_loss, double width = 0.005);

    /// Rate of the next trial; none when the bounds are close enough, or nothing passes.
    std::optional<double> next() const noexcept;
    void record(const Trial& trial);

    /// The highest rate that lost no more than allowed, below every one that lost more.
    const std::optional<Trial>& lower() const noexcept { return lower_; }
    /// The lowest rate that lost more; none when the sender's maximum passed.
    const std::optional<Trial>& upper() const noexcept { return upper_; }
    const std::vector<Trial>& trials() const noexcept { return trials_; }

  private:
    double max_rate_;
    double allowed_loss_;
    double width_;
    std::optional<Trial> lower_;
    std::optional<Trial> upper_;
    std::vector<Trial> trials_;
};

}  // namespace l2echo::probe
