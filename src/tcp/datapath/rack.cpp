#include "l2echo/tcp/rack.hpp"

#include <algorithm>

namespace l2echo::tcp {

void Rack::on_ack(const Delivery& delivery, Micros now, Sequence una, Sequence next) noexcept {
    const bool is_newer =
        delivery.newest_sent > sent_ || (delivery.newest_sent == sent_ && delivery.newest_end > end_);
    if (delivery.has_newest && is_newer) {
        sent_ = delivery.newest_sent;
        end_ = delivery.newest_end;
        rtt_ = now - sent_;
    }
    saw_reordering_ = saw_reordering_ || delivery.is_reordered;

    // RFC 8985 6.2 step 4: at most one step per round trip.
    if (in_dsack_round_ && una >= dsack_round_)
        in_dsack_round_ = false;
    if (delivery.has_dsack && !in_dsack_round_) {
        in_dsack_round_ = true;
        dsack_round_ = next;
        window_quarters_ = static_cast<std::uint8_t>(std::min<int>(window_quarters_ + 1, kMaxQuarters));
        persist_ = kPersist;
    }
}

void Rack::on_recovery_end() noexcept {
    if (persist_ > 0 && --persist_ == 0)
        window_quarters_ = 1;
}

LossLimit Rack::limit(const RttEstimator& rtt, std::uint32_t sacked_segments,
                      bool in_recovery) const noexcept {
    Micros window{0};
    if (saw_reordering_ || !(in_recovery || sacked_segments >= kDuplicateThreshold))
        window = std::min(window_quarters_ * rtt.min_rtt() / 4, rtt.smoothed());
    return {sent_, end_, rtt_ + window};
}

}  // namespace l2echo::tcp
