// The congestion window: NewReno (RFC 5681, 3465) or CUBIC (RFC 9438), with HyStart++ (RFC 9406).
#pragma once

#include <cstdint>

#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// The window grows only in rounds in which the sender filled it, so on_sent() must be called after each
/// burst. During fast recovery Prr decides what is sent, and on_ack() is not called; after a timeout it is
/// called again.
class Congestion {
  public:
    struct Ack {
        std::uint32_t bytes;  ///< newly delivered: acknowledged or SACKed for the first time
        Sequence una;         ///< SND.UNA after the ACK
        Sequence next;        ///< SND.NXT
        Micros now;
        Micros rtt;       ///< of the most recently sent segment that the ACK delivers; 0 if unknown
        Micros smoothed;  ///< SRTT
    };

    /// All that a congestion event changes, for restore(). Bytes and seconds.
    struct State {
        double window;
        double reno_window;  // W_est of RFC 9438 4.3
        Micros epoch;        // start of the current stage of congestion avoidance
        float max_window;    // W_max
        float prior_window;  // cwnd_prior
        float k;             // K
        std::uint32_t threshold;
        bool in_epoch;       // false: the next ACK in congestion avoidance starts an epoch
        bool after_timeout;  // until the window reaches the threshold
        bool epoch_is_flat;  // the next epoch has K = 0 (RFC 9438 4.8, 4.10)
    };

    /// `mss` is the payload of a full segment, in bytes, at least 1.
    Congestion(const Settings& settings, std::uint16_t mss) noexcept;

    /// cwnd in bytes: at least one segment.
    std::uint32_t window() const noexcept { return static_cast<std::uint32_t>(state_.window); }
    /// ssthresh in bytes; kNoThreshold until the first congestion.
    std::uint32_t slow_start_threshold() const noexcept { return state_.threshold; }
    bool in_slow_start() const noexcept { return state_.window < state_.threshold; }
    std::uint16_t mss() const noexcept { return mss_; }

    /// `flight` is SendRecords::flight() after a burst.
    void on_sent(std::uint32_t flight) noexcept {
        max_flight_ = flight > max_flight_ ? flight : max_flight_;
        filled_ = filled_ || flight + mss_ > window();
    }
    void on_ack(const Ack& ack) noexcept;

    /// Loss or ECN-Echo, once per round trip. `outstanding` is SND.NXT - SND.UNA. The window falls to the
    /// threshold at once.
    void on_congestion(std::uint32_t outstanding) noexcept;

    /// The retransmission timer expired: one segment. `is_repeated` says that the first segment had already
    /// been retransmitted by a timeout, which leaves the threshold as it is (RFC 5681 3.1).
    void on_timeout(std::uint32_t outstanding, bool is_repeated) noexcept;

    /// Nothing was sent for `idle`: after one RTO the window falls to the initial window (RFC 5681 4.1). Time
    /// in which CUBIC did not send does not count.
    void on_idle(Micros idle, Micros rto) noexcept;

    /// The path MTU changed. The window in bytes stays, and has one segment at least.
    void set_mss(std::uint16_t mss) noexcept;

    /// Taken before on_congestion() or on_timeout(), and restored if that was spurious (RFC 9438 4.9, RFC
    /// 4015).
    State state() const noexcept { return state_; }
    void restore(const State& before) noexcept;

    static constexpr std::uint32_t kNoThreshold = 0x7FFF'FFFF;
    static constexpr std::uint32_t kMaxWindow = 1U << 30;  ///< the largest window of a peer (RFC 7323 2.3)

  private:
    void start_round(const Ack& ack) noexcept;
    double slow_start_growth(const Ack& ack) const noexcept;
    double newreno_growth(const Ack& ack) const noexcept;
    double cubic_growth(const Ack& ack) noexcept;
    void start_epoch(Micros now) noexcept;
    void hystart_sample(Micros rtt) noexcept;
    void reduce_threshold(std::uint32_t outstanding) noexcept;
    double initial_window() const noexcept;
    double reduction() const noexcept;

    State state_;
    Sequence round_end_;  // SND.NXT when the round started
    std::uint32_t max_flight_ = 0;
    std::uint32_t last_max_flight_ = 0;
    std::uint16_t mss_;
    std::uint16_t initial_segments_;
    CongestionAlgorithm algorithm_;
    bool filled_ = false;       // in this round the window was full at least once
    bool last_filled_ = false;  // in the last round
    bool is_paused_ =
        false;  // since paused_at_ the application or the peer limits, and CUBIC's time does not run
    bool has_round_ = false;

    // HyStart++: names as in RFC 9406 4.2
    bool hystart_;
    bool in_css_ = false;  // conservative slow start
    std::uint8_t rtt_samples_ = 0;
    std::uint8_t css_rounds_ = 0;
    std::uint32_t round_min_rtt_;  // microseconds
    std::uint32_t last_round_min_rtt_;
    std::uint32_t css_baseline_min_rtt_;
    Micros paused_at_{0};
};

}  // namespace l2echo::tcp
