// Round-trip time and retransmission timeout (RFC 6298), in microseconds.
#pragma once

#include <algorithm>
#include <cstdint>

#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// With a sample per ACK, the 3/4 by which RFC 6298 lets RTTVAR decay would forget a spike within a few
/// segments (RFC 7323 appendix G). So the variation rises with each sample, and decays once per round trip.
class RttEstimator {
  public:
    explicit RttEstimator(const Settings& settings) noexcept
        : min_rto_(static_cast<std::uint32_t>(settings.min_rto.count())),
          max_rto_(static_cast<std::uint32_t>(settings.max_rto.count())),
          rto_(static_cast<std::uint32_t>(settings.initial_rto.count())) {}

    /// A round trip of a segment that was sent once (Karn), or one from an echoed timestamp. It ends the
    /// backoff.
    void sample(Micros rtt, Micros now) noexcept;

    /// The retransmission timer expired: doubles the timeout (RFC 6298 5.5).
    void back_off() noexcept {
        if (backoff_ < kMaxBackoff)
            ++backoff_;
    }
    /// New data was acknowledged although no sample could be taken: RFC 6298 5 lets the timeout stay backed
    /// off until the next sample, but a peer without timestamps that loses each segment once would then never
    /// leave it.
    void end_backoff() noexcept { backoff_ = 0; }

    /// The timer of the SYN expired before the handshake completed, and the timeout falls back to 3 s for
    /// data (RFC 6298 5.7). Without effect once there is a sample.
    void on_handshake_timeout() noexcept;

    /// SRTT + max(min_rto, 4 RTTVAR), doubled per backoff, never above max_rto. The minimum is added to SRTT
    /// instead of bounding the sum, so that it covers the delayed ACK of the peer at any round-trip time.
    Micros rto() const noexcept {
        const std::uint64_t backed_off = std::uint64_t{rto_} << backoff_;
        return Micros(static_cast<std::int64_t>(std::min<std::uint64_t>(backed_off, max_rto_)));
    }
    std::uint8_t backoff() const noexcept { return backoff_; }

    bool has_sample() const noexcept { return has_sample_; }
    /// Each is 0 before the first sample.
    Micros latest() const noexcept { return Micros(latest_); }
    Micros smoothed() const noexcept { return Micros(smoothed_ >> kSmoothedShift); }
    Micros variation() const noexcept { return Micros(variation_ >> kVariationShift); }
    /// The smallest sample of the last 150 to 300 s; at least 1 us. RACK's reordering window depends on it.
    Micros min_rtt() const noexcept { return Micros(std::min(min_now_, min_before_)); }

  private:
    static constexpr unsigned kSmoothedShift = 3;   // alpha = 1/8
    static constexpr unsigned kVariationShift = 2;  // beta = 1/4
    static constexpr std::uint8_t kMaxBackoff = 24;
    static constexpr std::int64_t kMaxSample = std::int64_t{1} << 27;  // 134 s: longer than any timeout
    static constexpr std::int64_t kHalfWindow =
        std::int64_t{150} * 1'000'000;  // Linux' tcp_min_rtt_wlen is 300 s

    std::uint32_t smoothed_ = 0;   // SRTT, in 1/8 us
    std::uint32_t variation_ = 0;  // RTTVAR, in 1/4 us
    std::uint32_t deviation_ = 0;  // mean deviation, in 1/4 us
    std::uint32_t peak_ = 0;       // its maximum within this round trip
    std::uint32_t latest_ = 0;
    std::uint32_t min_rto_;
    std::uint32_t max_rto_;
    std::uint32_t rto_;             // without backoff
    std::uint32_t min_now_ = 0;     // of this half window
    std::uint32_t min_before_ = 0;  // of the one before
    Micros half_window_end_{0};
    Micros round_end_{0};  // when the variation may decay
    std::uint8_t backoff_ = 0;
    bool has_sample_ = false;
};

}  // namespace l2echo::tcp
