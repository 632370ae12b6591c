// Proportional rate reduction (RFC 6937): what may be sent during fast recovery.
#pragma once

#include <algorithm>
#include <cstdint>

namespace l2echo::tcp {

/// While more than ssthresh is in flight, segments leave in proportion to what is delivered, so that recovery
/// ends with ssthresh in flight. Below it the window grows back: by slow start if the ACK shows that recovery
/// makes progress (PRR-SSRB), otherwise only by what was delivered (PRR-CRB). All sizes are bytes.
class Prr {
  public:
    /// Fast recovery starts. `flight` is what was outstanding and not SACKed before the ACK that started it;
    /// `threshold` is the new ssthresh. on_ack() follows for the same ACK.
    void start(std::uint32_t flight, std::uint32_t threshold) noexcept {
        *this = Prr();
        start_flight_ = std::max(flight, 1U);
        threshold_ = threshold;
    }

    /// `delivered` is newly acknowledged or SACKed; `flight` is SendRecords::flight() after the ACK and after
    /// losses were marked. `is_progress`: the ACK advanced SND.UNA and no further loss was found.
    void on_ack(std::uint32_t delivered, std::uint32_t flight, std::uint16_t mss, bool is_progress) noexcept {
        delivered_ += delivered;
        std::uint64_t allowance = 0;
        if (flight > threshold_) {
            // ssthresh is at least two segments, and what was in flight can be a few bytes: the flight must
            // not grow by their ratio.
            const std::uint64_t share = std::min(threshold_, start_flight_);
            const std::uint64_t target = (delivered_ * share + start_flight_ - 1) / start_flight_;
            allowance = target > sent_ ? target - sent_ : 0;
        } else {
            std::uint64_t limit = delivered_ > sent_ ? delivered_ - sent_ : 0;
            if (is_progress)
                limit = std::max<std::uint64_t>(limit, delivered) + mss;
            allowance = std::min<std::uint64_t>(threshold_ - flight, limit);
        }
        // The first retransmission leaves at once (RFC 5681 3.2, step 3), and nothing else with it.
        is_first_alone_ = sent_ == 0 && allowance < mss;
        if (is_first_alone_)
            allowance = mss;
        allowance_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(allowance, UINT32_MAX));
    }

    void on_sent(std::uint32_t bytes) noexcept {
        sent_ += bytes;
        allowance_ -= is_first_alone_ ? allowance_ : std::min(allowance_, bytes);
    }

    /// Bytes that may be sent now, retransmissions first. A lost segment may be sent while this is not 0:
    /// rounding it down to whole segments would stop a recovery whose last ACKs deliver less than one.
    std::uint32_t allowance() const noexcept { return allowance_; }

  private:
    std::uint64_t delivered_ = 0;     // prr_delivered
    std::uint64_t sent_ = 0;          // prr_out
    std::uint32_t start_flight_ = 1;  // RecoverFS
    std::uint32_t threshold_ = 0;
    std::uint32_t allowance_ = 0;
    bool is_first_alone_ = false;  // what is allowed is the first retransmission, of whatever length
};

}  // namespace l2echo::tcp
