// What an acknowledgment means: what was delivered, what is lost, and how much may be sent (RFC 5681, 6582,
// 6937, 8985).
#include <algorithm>

#include "l2echo/tcp/connection.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint8_t kDuplicateThreshold = 3;  // RFC 5681 3.2

}  // namespace

void Connection::take_acknowledgment(const Arrival& arrival) noexcept {
    const Sequence ack(arrival.header.acknowledgment);
    const bool window_changed = update_send_window(arrival);
    // A peer that closed its window and answers is alive (RFC 9293 3.8.6.1).
    if (window_probing_ || send_edge_ <= records_.una()) [[unlikely]]
        attempts_ = 0;
    if (records_.empty() && !can_undo_)
        return;

    const Sequence una = records_.una();
    const bool advanced = ack > una;
    AckTime time{arrival.now, rtt_.min_rtt()};
    if (timestamps_)
        time.echoed = clock_.latest_sent(arrival.header.options.timestamps->echo, arrival.now);
    Delivery delivery;
    if (advanced) {
        const std::uint32_t fin = fin_sent_ && ack == records_.next() ? 1 : 0;
        records_.acknowledge(ack, time, delivery);
        take_acknowledged_bytes(bytes_between(una, ack) - fin);
    }
    if (sack_) {
        const wire::TcpOptions& options = arrival.header.options;
        if (options.sack_blocks > 0)
            records_.mark_sacked({options.sack.data(), options.sack_blocks}, ack, time, delivery);
    } else if (!advanced && !window_changed && arrival.payload.empty() && !arrival.fin && !records_.empty() &&
               send_edge_ > records_.una()) {
        // With a closed window, it answers a probe.
        count_duplicate(delivery);
    }
    if (advanced || delivery.oldest_sent)
        sample_round_trip(delivery, arrival.now);
    // The usual ACK: all is well, and it says so.
    const bool is_duplicate = !advanced && arrival.payload.empty() && arrival.header.options.sack_blocks == 0;
    if (phase_ != Phase::Open || delivery.has_dsack || can_undo_)
        undo_if_spurious(arrival, delivery, advanced);
    if (phase_ != Phase::Open) {
        if (advanced && ack >= recovery_point_)
            leave_recovery();
    } else if (advanced) {
        recovery_point_ = later(recovery_point_, ack);
        can_undo_ = can_undo_ && ack <= undo_end_;
    }
    if (tail_probe_.is_in_flight() && tail_probe_.on_ack(ack, delivery, is_duplicate)) {
        // The probe repaired a loss that nothing else shows.
        congestion_.on_congestion(records_.outstanding());
    }

    adapt_window(delivery, advanced, arrival.now);
    if (advanced)
        attempts_ = 0;
    if (advanced || delivery.bytes > 0)
        restart_timers(advanced, arrival.now);
}

/// Looks for losses, and lets the congestion window follow.
void Connection::adapt_window(const Delivery& delivery, bool advanced, Micros now) noexcept {
    const std::uint32_t lost_before = records_.lost();
    if (sack_) {
        rack_.on_ack(delivery, now, records_.una(), records_.next());
        find_losses(now);
    } else {
        find_losses_without_sack(advanced);
    }
    const bool found_loss = records_.lost() > lost_before;
    if (found_loss && phase_ == Phase::Open)
        enter_recovery(delivery);
    if (phase_ == Phase::Recovery) {
        prr_.on_ack(delivery.bytes, records_.flight(), send_mss_, advanced && !found_loss);
    } else if (advanced && delivery.bytes > 0) {
        // SACK blocks and duplicate ACKs outside recovery may announce a loss, so the window does not grow by
        // them.
        const Micros rtt = delivery.has_newest ? now - delivery.newest_sent : Micros(0);
        congestion_.on_ack({delivery.bytes, records_.una(), records_.next(), now, rtt, rtt_.smoothed()});
    }
}

/// RFC 9293 3.10.7.4: only a segment that is not older than the last one, and whose ACK is not older than
/// SND.UNA, may move the window. Returns whether it moved in relation to the ACK, which a duplicate ACK does
/// not do.
bool Connection::update_send_window(const Arrival& arrival) noexcept {
    const Sequence ack(arrival.header.acknowledgment);
    if (arrival.begin < window_sequence_ || (arrival.begin == window_sequence_ && ack < window_ack_) ||
        ack < records_.una())
        return false;
    const std::uint32_t window = std::uint32_t{arrival.header.window}
                                 << (arrival.header.flags.syn ? 0 : send_scale_);
    const bool changed = ack + window != send_edge_;
    window_sequence_ = arrival.begin;
    window_ack_ = ack;
    send_edge_ = ack + window;
    max_send_window_ = std::max(max_send_window_, window);
    if (window_probing_ && send_edge_ > records_.next())
        stop_window_probe();
    return changed;
}

void Connection::take_acknowledged_bytes(std::uint32_t bytes) noexcept {
    if (bytes == 0)
        return;
    send_fifo().consume(bytes);
    bytes_acknowledged_ += bytes;
    events_ |= Event::Writable;
    if (echo_)
        after_bytes_were_taken();
    else
        release_idle_memory();
}

/// The peer took the byte of a window probe, which is no segment in flight.
bool Connection::take_probed_byte() noexcept {
    window_probe_sent_ = false;
    if (!records_.empty())
        return false;
    if (unsent() == 0 && fin_is_due())
        fin_sent_ = true;
    else if (unsent() > 0)
        take_acknowledged_bytes(1);
    else
        return false;
    records_.skip(1);
    return true;
}

void Connection::sample_round_trip(const Delivery& delivery, Micros now) noexcept {
    if (delivery.oldest_sent)
        rtt_.sample(now - *delivery.oldest_sent, now);
    else
        rtt_.end_backoff();
}

/// Each duplicate ACK says that a segment left the network (RFC 5681 3.2).
void Connection::count_duplicate(Delivery& delivery) noexcept {
    if (duplicates_ < 255)
        ++duplicates_;
    delivery.bytes += records_.assume_delivered(send_mss_);
}

/// RACK (RFC 8985 6.2 step 5).
void Connection::find_losses(Micros now) noexcept {
    const LossMarks marks =
        records_.mark_lost(rack_.limit(rtt_, records_.sacked_segments(), phase_ != Phase::Open), now);
    reordering_at_ = marks.deadline.value_or(kNever);
}

/// NewReno (RFC 6582 3.2): the third duplicate ACK, and a partial ACK in recovery, say that the first segment
/// is lost.
void Connection::find_losses_without_sack(bool advanced) noexcept {
    if (advanced) {
        duplicates_ = 0;
        if (phase_ == Phase::Recovery)
            records_.mark_first_lost();
    } else if (duplicates_ == kDuplicateThreshold && phase_ == Phase::Open &&
               records_.una() >= recovery_point_) {
        // Duplicate ACKs of segments that were sent again after a timeout are no sign of loss (RFC 6582 4).
        records_.mark_first_lost();
    }
}

void Connection::enter_recovery(const Delivery& delivery) noexcept {
    remember_for_undo(false);
    ++recoveries_;
    phase_ = Phase::Recovery;
    recovery_point_ = records_.next();
    tail_probe_.cancel();
    congestion_.on_congestion(records_.outstanding());
    prr_.start(records_.outstanding() - records_.sacked() + delivery.bytes,
               congestion_.slow_start_threshold());
}

void Connection::leave_recovery() noexcept {
    phase_ = Phase::Open;
    resend_now_ = false;
    // A late DSACK may still say that it was spurious, for one round trip.
    undo_end_ = records_.next();
    rack_.on_recovery_end();
}

void Connection::remember_for_undo(bool is_timeout) noexcept {
    before_loss_ = congestion_.state();
    // If the episode before was undone, segments that it sent again may still be in flight. A DSACK of theirs
    // says nothing about this one.
    undo_una_ = later(records_.una(), recovery_point_);
    undo_end_ = records_.next();
    resent_segments_ = 0;
    has_resent_ = false;
    can_undo_ = true;
    undo_timeout_ = is_timeout;
}

/// The originals arrived after all: by the timestamp that the peer echoes (RFC 3522), or because it reports
/// each retransmission as a duplicate (RFC 3708). A duplicate of what was not sent again is the network's.
void Connection::undo_if_spurious(const Arrival& arrival, const Delivery& delivery, bool advanced) noexcept {
    if (!can_undo_)
        return;
    bool spurious = false;
    if (timestamps_ && advanced && has_resent_ && Sequence(arrival.header.acknowledgment) >= resent_end_) {
        const std::uint32_t echo = arrival.header.options.timestamps->echo;
        spurious = static_cast<std::int32_t>(echo - resent_timestamp_) < 0;
        // The first ACK decides.
        has_resent_ = false;
    }
    if (delivery.has_dsack && resent_segments_ > 0 && delivery.dsack_begin >= undo_una_ &&
        delivery.dsack_end <= undo_limit_)
        spurious = --resent_segments_ == 0 || spurious;
    if (!spurious)
        return;
    can_undo_ = false;
    ++undone_;
    if (!undo_timeout_)
        rack_.on_spurious_recovery();
    congestion_.restore(before_loss_);
    records_.unmark_lost();
    if (phase_ != Phase::Open)
        leave_recovery();
}

/// Bytes were delivered: the timers start again.
void Connection::restart_timers(bool advanced, Micros now) noexcept {
    if (records_.empty()) {
        retransmission_at_ = kNever;
        reordering_at_ = kNever;
        if (!window_probing_)
            probe_at_ = kNever;
        duplicates_ = 0;
        records_.release_memory(*arena_);
        return;
    }
    if (advanced)
        arm_retransmission(now);
    arm_tail_probe(now);
}

}  // namespace l2echo::tcp
