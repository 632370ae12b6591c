#include "l2echo/tcp/congestion.hpp"

#include <algorithm>
#include <cmath>

namespace l2echo::tcp {
namespace {

// RFC 9438 4.1 and 4.3
constexpr double kC = 0.4;  // segments per s^3
constexpr double kCubicReduction = 0.7;
constexpr double kRenoReduction = 0.5;  // RFC 5681 equation 4
constexpr double kRenoFriendlyAlpha = 3 * (1 - kCubicReduction) / (1 + kCubicReduction);

// RFC 9406 4.2 and 4.3
constexpr std::uint32_t kNoRtt = UINT32_MAX;
constexpr std::uint32_t kMinRttThreshold = 4000;  // microseconds
constexpr std::uint32_t kMaxRttThreshold = 16'000;
constexpr std::uint32_t kMinRttDivisor = 8;
constexpr std::uint8_t kRttSamples = 8;
constexpr double kCssDivisor = 4;
constexpr std::uint8_t kCssRounds = 5;
constexpr std::uint32_t kMaxSegmentsPerAck = 8;  // L, for a sender without pacing

double in_seconds(Micros duration) noexcept {
    return static_cast<double>(duration.count()) * 1e-6;
}

}  // namespace

Congestion::Congestion(const Settings& settings, std::uint16_t mss) noexcept
    : state_{},
      mss_(mss),
      initial_segments_(settings.initial_window_segments),
      algorithm_(settings.congestion),
      hystart_(settings.hystart),
      round_min_rtt_(kNoRtt),
      last_round_min_rtt_(kNoRtt),
      css_baseline_min_rtt_(kNoRtt) {
    state_.window = initial_window();
    state_.threshold = kNoThreshold;
}

double Congestion::initial_window() const noexcept {
    // RFC 6928 2: ten segments, fewer if they are larger than those of Ethernet.
    constexpr double kEthernetMss = 1460;
    return std::min<double>(initial_segments_ * mss_,
                            std::max<double>(2.0 * mss_, initial_segments_ * kEthernetMss));
}

double Congestion::reduction() const noexcept {
    return algorithm_ == CongestionAlgorithm::Cubic ? kCubicReduction : kRenoReduction;
}

void Congestion::on_ack(const Ack& ack) noexcept {
    if (!has_round_ || ack.una >= round_end_)
        start_round(ack);
    const bool is_slow_start = in_slow_start();
    if (is_slow_start && hystart_ && state_.threshold == kNoThreshold && ack.rtt > Micros(0))
        hystart_sample(ack.rtt);

    // A window that was not used says nothing about the path (RFC 9438 5.8). In slow start a sender that
    // fills half of it may grow: it uses the rest one round trip later.
    const bool may_grow = is_slow_start ? state_.window < 2.0 * std::max(max_flight_, last_max_flight_)
                                        : filled_ || last_filled_;
    if (!may_grow) {
        if (!is_paused_) {
            is_paused_ = true;
            paused_at_ = ack.now;
        }
        return;
    }
    if (is_paused_) {
        is_paused_ = false;
        if (state_.in_epoch)
            state_.epoch += ack.now - paused_at_;
    }

    if (is_slow_start) {
        state_.window = std::min<double>(state_.window + slow_start_growth(ack), state_.threshold);
        if (!in_slow_start())
            state_.after_timeout = false;
    } else {
        state_.window += algorithm_ == CongestionAlgorithm::Cubic ? cubic_growth(ack) : newreno_growth(ack);
    }
    state_.window = std::min<double>(state_.window, kMaxWindow);
}

void Congestion::start_round(const Ack& ack) noexcept {
    has_round_ = true;
    round_end_ = ack.next;
    last_max_flight_ = max_flight_;
    max_flight_ = 0;
    last_filled_ = filled_;
    filled_ = false;
    last_round_min_rtt_ = round_min_rtt_;
    round_min_rtt_ = kNoRtt;
    rtt_samples_ = 0;
    if (in_css_ && ++css_rounds_ >= kCssRounds) {
        // The queue stayed: this is the window of the path.
        in_css_ = false;
        state_.threshold = window();
        state_.epoch_is_flat = true;
    }
}

/// RFC 9406 4.2
void Congestion::hystart_sample(Micros rtt) noexcept {
    round_min_rtt_ = static_cast<std::uint32_t>(std::min<std::int64_t>(round_min_rtt_, rtt.count()));
    if (rtt_samples_ < kRttSamples)
        ++rtt_samples_;
    if (rtt_samples_ < kRttSamples)
        return;
    if (in_css_) {
        if (round_min_rtt_ < css_baseline_min_rtt_)
            in_css_ = false;  // the rise was jitter
    } else if (last_round_min_rtt_ != kNoRtt) {
        const std::uint32_t threshold =
            std::clamp(last_round_min_rtt_ / kMinRttDivisor, kMinRttThreshold, kMaxRttThreshold);
        if (round_min_rtt_ >= last_round_min_rtt_ + threshold) {
            css_baseline_min_rtt_ = round_min_rtt_;
            in_css_ = true;
            css_rounds_ = 0;
        }
    }
}

double Congestion::slow_start_growth(const Ack& ack) const noexcept {
    // After a timeout an ACK may cover much that arrived before it (RFC 3465 2.3).
    const std::uint32_t max_segments = state_.after_timeout ? 1 : kMaxSegmentsPerAck;
    const double growth = std::min(ack.bytes, max_segments * mss_);
    return in_css_ ? growth / kCssDivisor : growth;
}

double Congestion::newreno_growth(const Ack& ack) const noexcept {
    return mss_ * std::min<double>(ack.bytes, state_.window) / state_.window;
}

/// RFC 9438 4.2 to 4.5, in bytes
double Congestion::cubic_growth(const Ack& ack) noexcept {
    if (!state_.in_epoch)
        start_epoch(ack.now);
    const double window = state_.window;
    const double share = std::min<double>(ack.bytes, window) / window;
    const double alpha = state_.reno_window < state_.prior_window ? kRenoFriendlyAlpha : 1;
    state_.reno_window += alpha * mss_ * share;

    const double t = in_seconds(ack.now - state_.epoch);
    const auto cubic_window = [this](double at) {
        const double from_k = at - state_.k;
        return kC * mss_ * from_k * from_k * from_k + state_.max_window;
    };
    if (cubic_window(t) < state_.reno_window)
        return std::max(0.0, state_.reno_window - window);
    const double target = std::clamp(cubic_window(t + in_seconds(ack.smoothed)), window, 1.5 * window);
    return (target - window) * share;
}

void Congestion::start_epoch(Micros now) noexcept {
    const auto window = static_cast<float>(state_.window);
    if (state_.epoch_is_flat || state_.max_window <= window) {
        state_.max_window = window;
        state_.k = 0;
    } else {
        state_.k = static_cast<float>(std::cbrt((state_.max_window - window) / (kC * mss_)));
    }
    state_.epoch = now;
    state_.reno_window = state_.window;
    state_.in_epoch = true;
    state_.epoch_is_flat = false;
}

void Congestion::reduce_threshold(std::uint32_t outstanding) noexcept {
    const double window = state_.window;
    // Fast convergence (RFC 9438 4.7): a window that did not reach its last maximum leaves room for other
    // flows.
    const bool is_smaller = window < state_.max_window;
    state_.max_window = static_cast<float>(is_smaller ? window * (1 + kCubicReduction) / 2 : window);
    state_.prior_window = static_cast<float>(window);
    const double reduced = std::min<double>(outstanding, window) * reduction();
    state_.threshold = static_cast<std::uint32_t>(std::max(reduced, 2.0 * mss_));
    state_.in_epoch = false;
    in_css_ = false;
}

void Congestion::on_congestion(std::uint32_t outstanding) noexcept {
    reduce_threshold(outstanding);
    state_.window = std::min<double>(state_.window, state_.threshold);
    state_.after_timeout = false;
    state_.epoch_is_flat = false;
}

void Congestion::on_timeout(std::uint32_t outstanding, bool is_repeated) noexcept {
    if (!is_repeated)
        reduce_threshold(outstanding);
    state_.window = mss_;
    state_.after_timeout = true;
    state_.in_epoch = false;
    state_.epoch_is_flat = true;
    max_flight_ = last_max_flight_ = 0;
}

void Congestion::on_idle(Micros idle, Micros rto) noexcept {
    if (state_.in_epoch && !is_paused_)
        state_.epoch += idle;
    if (idle >= rto)
        state_.window = std::min(state_.window, initial_window());
}

void Congestion::set_mss(std::uint16_t mss) noexcept {
    mss_ = mss;
    state_.window = std::max<double>(state_.window, mss);
}

void Congestion::restore(const State& before) noexcept {
    const double window = state_.window;
    state_ = before;
    state_.window = std::max(window, before.window);
}

}  // namespace l2echo::tcp
