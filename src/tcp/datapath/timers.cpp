// The timers of a connection. One node of the timer wheel carries the earliest deadline.
#include <algorithm>

#include "l2echo/tcp/connection.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint8_t kSuspectAttempts = 3;  // R1 of RFC 9293 3.8.3
constexpr Micros kMaxWindowProbe =
    std::chrono::minutes(1);  // Linux has two; smaller finds an open window sooner
constexpr std::uint8_t kMaxWindowBackoff = 16;
constexpr Micros kUsualTimeout = std::chrono::milliseconds(200);
constexpr Micros kMaxLeastR2 = std::chrono::seconds(100);  // RFC 9293 3.8.3
// How long a peer may hold the ACK of a single segment: Linux' longest delay, WCDelAckT of RFC 8985 7.2.
constexpr Micros kMaxPeerAckDelay = std::chrono::milliseconds(200);

}  // namespace

std::optional<Micros> Connection::deadline() const noexcept {
    const Micros earliest =
        std::min({retransmission_at_, ack_at_, probe_at_, reordering_at_, keepalive_at_, close_at_});
    if (earliest == kNever)
        return std::nullopt;
    return earliest;
}

Events Connection::expire(Micros now) noexcept {
    events_ = {};
    if (ack_at_ <= now) {
        ack_at_ = kNever;
        ack_now_ = true;
    }
    if (close_at_ <= now)
        expire_close();
    if (reordering_at_ <= now)
        expire_reordering(now);
    if (probe_at_ <= now)
        expire_probe(now);
    if (retransmission_at_ <= now) {
        if (is_synchronized())
            expire_retransmission(now);
        else
            expire_handshake(now);
    }
    if (keepalive_at_ <= now)
        expire_keepalive(now);
    return events_;
}

void Connection::arm_handshake(Micros now) noexcept {
    retransmission_at_ = now + rtt_.rto();
    if (user_timeout_ > Micros(0))
        retransmission_at_ = std::max(now, std::min(retransmission_at_, waiting_since_ + user_timeout_));
}

void Connection::arm_retransmission(Micros now) noexcept {
    retransmission_at_ = now + rtt_.rto();
    if (user_timeout_ > Micros(0))
        retransmission_at_ =
            std::max(now, std::min(retransmission_at_, records_.first().first_sent + user_timeout_));
}

/// RFC 8985 7.2
void Connection::arm_tail_probe(Micros now) noexcept {
    if (window_probing_)
        return;
    const bool possible = sack_ && settings_->tail_loss_probe && phase_ == Phase::Open && !records_.empty() &&
                          !tail_probe_.is_in_flight() && records_.sacked() == 0 &&
                          retransmission_at_ != kNever;
    probe_at_ = possible ? now + TailLossProbe::timeout(rtt_, records_.segments(), kMaxPeerAckDelay, now,
                                                        retransmission_at_)
                         : kNever;
}

/// Bytes wait, and neither an ACK nor the peer's window will release them (RFC 9293 3.8.6.1).
void Connection::arm_window_probe(Micros now) noexcept {
    if (!window_probing_) {
        window_probing_ = true;
        window_backoff_ = 0;
        attempts_ = 0;
        waiting_since_ = now;
    }
    const Micros interval = rtt_.rto() * (std::int64_t{1} << std::min(window_backoff_, kMaxWindowBackoff));
    probe_at_ = now + std::min(interval, std::max(kMaxWindowProbe, rtt_.rto()));
}

void Connection::stop_window_probe() noexcept {
    window_probing_ = false;
    window_probe_due_ = false;
    override_ = false;
    probe_at_ = kNever;
    attempts_ = 0;
}

void Connection::stop_sending_timers() noexcept {
    retransmission_at_ = kNever;
    probe_at_ = kNever;
    reordering_at_ = kNever;
    window_probing_ = false;
    window_probe_due_ = false;
    tail_probe_due_ = false;
}

void Connection::expire_reordering(Micros now) noexcept {
    reordering_at_ = kNever;
    if (records_.empty())
        return;
    const std::uint32_t before = records_.lost();
    find_losses(now);
    if (records_.lost() == before)
        return;
    if (phase_ == Phase::Open) {
        enter_recovery({});
        prr_.on_ack(0, records_.flight(), send_mss_, false);
    }
    arm_retransmission(now);
}

void Connection::expire_probe(Micros now) noexcept {
    probe_at_ = kNever;
    if (window_probing_) {
        expire_window_probe(now);
    } else if (phase_ == Phase::Open && !records_.empty()) {
        tail_probe_due_ = true;
    }
}

/// RFC 6298 5.4 to 5.6, RFC 5681 3.1, RFC 8985 6.3.
void Connection::expire_retransmission(Micros now) noexcept {
    retransmission_at_ = kNever;
    if (records_.empty())
        return;
    if (user_timeout_ > Micros(0) && now - records_.first().first_sent >= user_timeout_) {
        end_with_reset(Event::TimedOut);
        return;
    }
    if (gives_up(settings_->retries, now - records_.first().first_sent))
        return;
    ++timeouts_;
    tail_probe_.cancel();
    tail_probe_due_ = false;
    reordering_at_ = kNever;
    probe_at_ = kNever;
    rtt_.back_off();
    if (send_edge_ <= records_.una()) {
        // The peer took its window back, and drops what is in flight: a window probe in effect, no
        // congestion.
        records_.mark_first_lost();
        resend_now_ = true;
        arm_retransmission(now);
        return;
    }
    const bool is_repeated = attempts_ > 1;
    if (phase_ == Phase::Open)
        remember_for_undo(true);
    congestion_.on_timeout(records_.outstanding(), is_repeated);
    if (sack_) {
        const Micros age = rack_.limit(rtt_, records_.sacked_segments(), true).age;
        reordering_at_ = records_.mark_lost_on_timeout(age, now).deadline.value_or(kNever);
    } else {
        records_.mark_all_lost();
    }
    resend_now_ = true;
    phase_ = Phase::Loss;
    recovery_point_ = records_.next();
    duplicates_ = 0;
    arm_retransmission(now);
}

/// The SYN or the SYN-ACK was not answered.
void Connection::expire_handshake(Micros now) noexcept {
    retransmission_at_ = kNever;
    if (user_timeout_ > Micros(0) && now - waiting_since_ >= user_timeout_) {
        if (state_ == State::SynSent)
            end(Event::TimedOut);
        else
            end_with_reset(Event::TimedOut);
        return;
    }
    if (gives_up(is_passive_ ? settings_->synack_retries : settings_->syn_retries, kNever))
        return;
    rtt_.back_off();
    syn_due_ = true;
    arm_handshake(now);
}

/// Windows are probed without end while the peer answers (RFC 9293 3.8.6.1).
void Connection::expire_window_probe(Micros now) noexcept {
    if (!records_.empty() || (unsent() == 0 && !fin_is_due())) {
        stop_window_probe();
        return;
    }
    if (user_timeout_ > Micros(0) && now - waiting_since_ >= user_timeout_) {
        end_with_reset(Event::TimedOut);
        return;
    }
    if (gives_up(settings_->retries, now - waiting_since_))
        return;
    if (window_backoff_ < kMaxWindowBackoff)
        ++window_backoff_;
    if (send_edge_ > records_.next())
        override_ = true;
    window_probe_due_ = true;
    arm_window_probe(now);
}

/// R2 of RFC 9293 3.8.3. Returns whether the connection ended. So many retries take at least as long as if
/// the first timeout were 200 ms, as with Linux: 15 of them may take less than a minute where the round trip
/// is short.
bool Connection::gives_up(std::uint8_t retries, Micros elapsed) noexcept {
    const Micros least =
        std::min(kUsualTimeout * (std::int64_t{1} << std::min<unsigned>(retries, 20)), kMaxLeastR2);
    if (attempts_ >= retries && elapsed >= least) {
        if (state_ == State::SynSent)
            end(Event::TimedOut);
        else
            end_with_reset(Event::TimedOut);
        return true;
    }
    if (attempts_ < UINT8_MAX)
        ++attempts_;
    if (attempts_ == kSuspectAttempts)
        events_ |= Event::Suspect;
    return false;
}

/// RFC 9293 3.8.4: only an idle connection is probed; other timers watch one that is not.
void Connection::expire_keepalive(Micros now) noexcept {
    keepalive_at_ = now + settings_->keepalive_interval;
    if (!records_.empty() || window_probing_ || !is_synchronized())
        return;
    if (keepalive_probes_ >= settings_->keepalive_probes) {
        end_with_reset(Event::TimedOut);
        return;
    }
    ++keepalive_probes_;
    keepalive_due_ = true;
}

void Connection::expire_close() noexcept {
    close_at_ = kNever;
    if (state_ == State::TimeWait || state_ == State::FinWait2)
        end({});
    else
        end_with_reset({});  // the linger time is over
}

}  // namespace l2echo::tcp
