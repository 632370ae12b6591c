// Loss detection by time (RFC 8985): RACK.
#pragma once

#include <cstdint>

#include "l2echo/tcp/rtt_estimator.hpp"
#include "l2echo/tcp/send_records.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// A segment is lost if one that was sent later was delivered, and the reordering window has passed since.
/// Per ACK: on_ack(), then SendRecords::mark_lost(limit()); at its deadline mark_lost(limit()) again.
class Rack {
  public:
    /// After SendRecords::acknowledge() and mark_sacked(), and after the RTT was sampled.
    void on_ack(const Delivery& delivery, Micros now, Sequence una, Sequence next) noexcept;

    /// Fast recovery or recovery after a timeout ended: 16 of them without a DSACK narrow the reordering
    /// window again.
    void on_recovery_end() noexcept;

    /// Segments were taken for lost, and arrived. Reordered ones are sent again before they show it: RFC 8985
    /// 6.2 step 3 asks for one that was not, so that each flight would cause another recovery.
    void on_spurious_recovery() noexcept { saw_reordering_ = true; }

    /// `in_recovery`: fast recovery or recovery after a timeout. Until a segment is delivered, nothing is
    /// lost.
    LossLimit limit(const RttEstimator& rtt, std::uint32_t sacked_segments, bool in_recovery) const noexcept;

    Micros rtt() const noexcept { return rtt_; }
    bool saw_reordering() const noexcept { return saw_reordering_; }
    std::uint32_t window_quarters() const noexcept { return window_quarters_; }  ///< RACK.reo_wnd_mult

  private:
    static constexpr std::uint32_t kDuplicateThreshold = 3;
    static constexpr std::uint8_t kPersist = 16;
    static constexpr std::uint8_t kMaxQuarters = 255;

    Micros sent_{-1};  // RACK.xmit_ts; before the first instant
    Micros rtt_{0};    // RACK.rtt
    Sequence end_;     // RACK.end_seq
    Sequence dsack_round_;
    bool saw_reordering_ = false;
    bool in_dsack_round_ = false;
    std::uint8_t window_quarters_ = 1;
    std::uint8_t persist_ = kPersist;
};

}  // namespace l2echo::tcp
