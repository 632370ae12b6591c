#include "l2echo/tcp/rtt_estimator.hpp"

#include <algorithm>

namespace l2echo::tcp {

void RttEstimator::sample(Micros rtt, Micros now) noexcept {
    const auto r = static_cast<std::uint32_t>(std::clamp<std::int64_t>(rtt.count(), 1, kMaxSample));
    latest_ = r;
    backoff_ = 0;
    if (!has_sample_) {
        has_sample_ = true;
        smoothed_ = r << kSmoothedShift;
        variation_ = r << kVariationShift >> 1;  // RTTVAR = R / 2
        deviation_ = variation_;
        round_end_ = now + Micros(r);
        min_now_ = min_before_ = r;
        half_window_end_ = now + Micros(kHalfWindow);
    } else {
        const std::uint32_t smoothed = smoothed_ >> kSmoothedShift;
        const std::uint32_t error = r > smoothed ? r - smoothed : smoothed - r;
        deviation_ += error - (deviation_ >> kVariationShift);
        smoothed_ += r - smoothed;
        peak_ = std::max(peak_, deviation_);
        variation_ = std::max(variation_, deviation_);
        if (now >= round_end_) {
            variation_ -= (variation_ - peak_) >> kVariationShift;
            peak_ = 0;
            round_end_ = now + this->smoothed();
        }
        min_now_ = std::min(min_now_, r);
        if (now >= half_window_end_) {
            min_before_ = min_now_;
            min_now_ = r;
            half_window_end_ = now + Micros(kHalfWindow);
        }
    }
    // variation_ counts quarters, so it is 4 RTTVAR.
    rto_ = std::min(max_rto_, (smoothed_ >> kSmoothedShift) + std::max(min_rto_, variation_));
}

void RttEstimator::on_handshake_timeout() noexcept {
    constexpr std::uint32_t kAfterSynTimeout = 3'000'000;
    if (has_sample_)
        return;
    rto_ = std::max(rto_, std::min(kAfterSynTimeout, max_rto_));
    backoff_ = 0;
}

}  // namespace l2echo::tcp
