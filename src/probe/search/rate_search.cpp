#include "probe/search/rate_search.hpp"

#include <algorithm>
#include <cmath>

namespace l2echo::probe {
namespace {

/// Below this share of the maximum nothing is looked for any more.
constexpr double kMinShare = 1e-4;

}  // namespace

RateSearch::RateSearch(double max_rate, double allowed_loss, double width)
    : max_rate_(max_rate), allowed_loss_(allowed_loss), width_(width) {}

std::optional<double> RateSearch::next() const noexcept {
    if (trials_.empty())
        return max_rate_;
    if (!upper_)
        return std::nullopt;
    const double upper = upper_->frames_per_second;
    if (lower_) {
        const double lower = lower_->frames_per_second;
        return upper - lower <= width_ * upper ? std::nullopt : std::optional(std::sqrt(lower * upper));
    }
    if (upper < kMinShare * max_rate_)
        return std::nullopt;
    // What came back is the best guess of what can come back. A step down must be a step, and each is twice
    // as wide as the one before: a little loss at every rate would otherwise be followed down in steps of the
    // width.
    const double returned = upper * (1 - upper_->loss_ratio());
    const double step = std::min(0.5, width_ * std::exp2(static_cast<double>(trials_.size() - 1)));
    return std::clamp(returned, upper / 2, upper * (1 - step));
}

void RateSearch::record(const Trial& trial) {
    trials_.push_back(trial);
    const bool passed = trial.loss_ratio() <= allowed_loss_;
    if (!passed && (!upper_ || trial.frames_per_second < upper_->frames_per_second))
        upper_ = trial;
    if (passed && (!lower_ || trial.frames_per_second > lower_->frames_per_second))
        lower_ = trial;
    // A far end that does better at a higher rate is not to be trusted there: loss at a lower rate decides.
    if (lower_ && upper_ && lower_->frames_per_second >= upper_->frames_per_second)
        lower_.reset();
}

}  // namespace l2echo::probe
