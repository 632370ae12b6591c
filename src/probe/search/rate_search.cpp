#include "probe/search/rate_search.hpp"

#include <algorithm>
#include <cmath>

namespace l2echo::probe {
namespace {

/// The search ends below this share of the maximum.
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
    // The rate that came back is the best guess of the sustainable rate. Each step down has a minimum width,
    // twice that of the previous step: otherwise a little loss at every rate would lead down in steps of
    // `width_`.
    const double returned = upper * (1 - upper_->loss_ratio());
    const double step = std::min(0.5, width_ * std::exp2(static_cast<double>(trials_.size() - 1)));
    return std::clamp(returned, upper / 2, upper * (1 - step));
}

std::size_t RateSearch::sender_limited_trials() const noexcept {
    return static_cast<std::size_t>(std::ranges::count(trials_, true, &Trial::sender_limited));
}

void RateSearch::record(const Trial& trial) {
    trials_.push_back(trial);
    const bool passed = trial.loss_ratio() <= allowed_loss_;
    if (!passed && (!upper_ || trial.frames_per_second < upper_->frames_per_second))
        upper_ = trial;
    if (passed && (!lower_ || trial.frames_per_second > lower_->frames_per_second))
        lower_ = trial;
    // A pass at a rate above one that failed is not trusted: the loss at the lower rate decides.
    if (lower_ && upper_ && lower_->frames_per_second >= upper_->frames_per_second)
        lower_.reset();
}

bool RateSearch::loss_ignores_rate() const noexcept {
    return std::ranges::any_of(trials_, [this](const Trial& slow) {
        return slow.loss_ratio() > allowed_loss_ && std::ranges::any_of(trials_, [&slow](const Trial& fast) {
                   return 2 * slow.frames_per_second < fast.frames_per_second &&
                          slow.loss_ratio() >= fast.loss_ratio() && fast.loss_ratio() > 0;
               });
    });
}

}  // namespace l2echo::probe
