// Tail loss probe (RFC 8985 7): a segment that is sent after two round trips without an ACK makes the peer
// say what is missing, long before the retransmission timer.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "l2echo/tcp/rtt_estimator.hpp"
#include "l2echo/tcp/send_records.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// Armed after new data was sent or acknowledged, outside recovery, with SACK, and without a probe in flight.
/// The caller sends new data as the probe if it has some and the peer's window admits it, and otherwise
/// SendRecords::last().
class TailLossProbe {
  public:
    /// Microseconds from now on until the probe, bounded by the retransmission timer, which expires at
    /// `rto_deadline`. `max_ack_delay` is how long the peer may hold an ACK of a single segment.
    static Micros timeout(const RttEstimator& rtt, std::uint32_t segments_in_flight, Micros max_ack_delay,
                          Micros now, Micros rto_deadline) noexcept {
        Micros timeout = kWithoutSample;
        if (rtt.has_sample()) {
            timeout = 2 * rtt.smoothed();
            if (segments_in_flight == 1)
                timeout += max_ack_delay;
        }
        return std::max(Micros(0), std::min(timeout, rto_deadline - now));
    }

    bool is_in_flight() const noexcept { return is_in_flight_; }

    /// `next` is SND.NXT after the probe; `is_retransmission` says that it repeated the last segment.
    void on_sent(Sequence next, bool is_retransmission) noexcept {
        end_ = next;
        is_retransmission_ = is_retransmission;
        is_in_flight_ = true;
    }
    /// The retransmission timer expired, or recovery started: both know more than the probe does.
    void cancel() noexcept { is_in_flight_ = false; }

    /// True if the probe repaired a loss that nothing else shows, so that congestion control must react
    /// (7.4.2). `is_duplicate`: the ACK has neither data nor SACK blocks, and does not advance SND.UNA.
    bool on_ack(Sequence ack, const Delivery& delivery, bool is_duplicate) noexcept {
        if (!is_in_flight_ || ack < end_)
            return false;
        const bool both_arrived = delivery.has_dsack && delivery.dsack_end == end_;
        const bool has_repaired = is_retransmission_ && !both_arrived && ack > end_;
        // A duplicate is the second ACK, of a peer without DSACK.
        if (!is_retransmission_ || both_arrived || has_repaired || is_duplicate)
            is_in_flight_ = false;
        return has_repaired;
    }

  private:
    static constexpr Micros kWithoutSample{1'000'000};  // RFC 8985 7.2

    Sequence end_;
    bool is_in_flight_ = false;
    bool is_retransmission_ = false;
};

}  // namespace l2echo::tcp
