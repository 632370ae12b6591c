// What an arriving segment does to the state of a connection (RFC 9293 3.10.7). Payload is receiver.cpp's,
// acknowledgments are sender.cpp's.
#include <algorithm>

#include "l2echo/tcp/connection.hpp"
#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint32_t kTimestampLife = 24 * 24 * 3600;  // seconds (RFC 7323 5.5)
constexpr std::size_t kMaxPayload = 65535;                // of an IP packet

}  // namespace

Events Connection::receive(const wire::TcpHeader& header, std::span<const std::byte> payload,
                           Micros now) noexcept {
    events_ = {};
    if (state_ == State::Closed)
        return {};
    Arrival arrival{header, Sequence(header.sequence), payload.first(std::min(payload.size(), kMaxPayload)),
                    header.flags.fin, now};
    if (state_ == State::SynSent)
        receive_in_syn_sent(arrival);
    else
        receive_synchronized(arrival);
    return events_;
}

void Connection::receive_in_syn_sent(Arrival& arrival) noexcept {
    const wire::TcpHeader& header = arrival.header;
    if (header.flags.ack && Sequence(header.acknowledgment) != initial_send_ + 1) {
        if (!header.flags.rst)
            reset_wrong_acknowledgment(header);
        return;
    }
    if (header.flags.rst) {
        // Only a RST that acknowledges the SYN is the peer's.
        if (header.flags.ack)
            end(Event::Reset);
        return;
    }
    if (!header.flags.syn)
        return;

    initial_receive_ = arrival.begin;
    arrival.begin += 1;
    start_receiving(arrival.begin);
    agree_on(header.options);
    recent_second_ = seconds_of(arrival.now);
    if (!header.flags.ack) {
        // Simultaneous open. The SYN-ACK repeats our sequence number.
        state_ = State::SynReceived;
        syn_due_ = true;
        take_payload(arrival);
        return;
    }
    establish(arrival);
    ack_now_ = true;
    take_payload(arrival);
}

void Connection::receive_synchronized(Arrival& arrival) noexcept {
    const wire::TcpHeader& header = arrival.header;
    if (keepalive_) {
        keepalive_at_ = arrival.now + settings_->keepalive_idle;
        keepalive_probes_ = 0;
    }
    if (header.flags.rst) {
        take_reset(arrival);
        return;
    }
    if (timestamps_ && !accept_timestamp(arrival))
        return;
    if (header.flags.syn) [[unlikely]] {
        // The other SYN-ACK of a simultaneous open acknowledges our SYN. Any other SYN is answered by an ACK,
        // whatever its sequence number (RFC 5961 4.2).
        if (state_ != State::SynReceived || arrival.begin != initial_receive_) {
            challenge(arrival.now);
            return;
        }
        arrival.begin += 1;
    }
    if (!accept_sequence(arrival)) {
        refuse(arrival);
        return;
    }
    if (!header.flags.ack) {
        // A repeated SYN: our SYN-ACK was lost.
        syn_due_ = syn_due_ || (header.flags.syn && state_ == State::SynReceived);
        return;
    }
    if (timestamps_ && arrival.begin <= last_ack_sent_) {
        const std::uint32_t value = header.options.timestamps->value;
        if (static_cast<std::int32_t>(value - recent_timestamp_) > 0) {
            recent_timestamp_ = value;
            recent_second_ = seconds_of(arrival.now);
        }
    }
    if (is_quiet() && Sequence(header.acknowledgment) == window_ack_ && state_ != State::SynReceived) {
        update_send_window(arrival);
    } else {
        if (!accept_acknowledgment(arrival))
            return;
        take_acknowledgment(arrival);
    }
    if (fin_sent_ && records_.empty()) {
        after_our_fin_was_acknowledged(arrival.now);
        if (state_ == State::Closed)
            return;
    }
    if (!arrival.payload.empty() || arrival.fin)
        take_payload(arrival);
}

/// PAWS (RFC 7323 5.3).
bool Connection::accept_timestamp(const Arrival& arrival) noexcept {
    const auto& option = arrival.header.options.timestamps;
    if (!option) [[unlikely]] {
        ++refused_segments_;
        return false;
    }
    if (static_cast<std::int32_t>(option->value - recent_timestamp_) >= 0) [[likely]]
        return true;
    if (seconds_of(arrival.now) - recent_second_ >= kTimestampLife) {
        // The clock of the peer may have wrapped meanwhile.
        recent_timestamp_ = option->value;
        recent_second_ = seconds_of(arrival.now);
        return true;
    }
    refuse(arrival);
    return false;
}

/// RFC 9293 table 6, and more where the table would refuse an ACK that is needed.
bool Connection::accept_sequence(Arrival& arrival) noexcept {
    const std::uint32_t length = arrival.payload_length() + (arrival.fin ? 1 : 0);
    // An ACK without payload follows all bytes that the peer sent, so it may be at the right edge; and
    // reordering may deliver it after bytes that we have not acknowledged yet.
    if (length == 0)
        return last_ack_sent_ <= arrival.begin && arrival.begin <= receive_edge_;
    if (arrival.begin < receive_edge_ && arrival.begin + length > receive_next_)
        return true;
    if (arrival.begin == receive_next_ && receive_next_ == receive_edge_) {
        // A window probe: its ACK counts, its bytes do not fit.
        arrival.payload = {};
        arrival.fin = false;
        ack_now_ = true;
        return true;
    }
    return false;
}

bool Connection::accept_acknowledgment(const Arrival& arrival) noexcept {
    const Sequence ack(arrival.header.acknowledgment);
    if (state_ == State::SynReceived) [[unlikely]] {
        if (ack != initial_send_ + 1) {
            reset_wrong_acknowledgment(arrival.header);
            return false;
        }
        establish(arrival);
        return true;
    }
    if (ack > records_.next()) [[unlikely]] {
        if (window_probe_sent_ && ack == records_.next() + 1 && take_probed_byte())
            return true;
        ++refused_segments_;
        challenge(arrival.now);
        return false;
    }
    // RFC 5961 5.2
    if (ack < records_.una() - max_send_window_) [[unlikely]] {
        ++refused_segments_;
        challenge(arrival.now);
        return false;
    }
    return true;
}

/// The answer to a segment outside the window (RFC 9293 3.10.7.4, first). An answer to segments without bytes
/// could be answered in turn, so its rate is limited.
void Connection::refuse(const Arrival& arrival) noexcept {
    ++refused_segments_;
    if (arrival.payload.empty() && !arrival.fin) {
        challenge(arrival.now);
        return;
    }
    if (state_ == State::TimeWait && arrival.fin)
        close_at_ = arrival.now + settings_->time_wait;
    if (arrival.begin < receive_next_ && arrival.payload_end() <= receive_next_)
        note_duplicate(arrival.begin, arrival.payload_end());
    ack_now_ = true;
}

void Connection::challenge(Micros now) noexcept {
    if (!challenge_limit_.take(settings_->challenge_acks_per_second, now))
        return;
    ++challenge_acks_;
    ack_now_ = true;
}

/// RFC 5961 3.2: only a RST at exactly the next sequence number resets.
void Connection::take_reset(const Arrival& arrival) noexcept {
    if (state_ == State::TimeWait)  // RFC 1337
        return;
    if (arrival.begin == receive_next_)
        end(Event::Reset);
    else if (arrival.begin > receive_next_ && arrival.begin < receive_edge_)
        challenge(arrival.now);
}

/// The SYN was lost: the path may not carry the initial window (RFC 5681 3.1).
void Connection::start_with_one_segment() noexcept {
    Settings careful = *settings_;
    careful.initial_window_segments = 1;
    congestion_ = Congestion(careful, send_mss_);
    rtt_.on_handshake_timeout();
}

void Connection::reset_wrong_acknowledgment(const wire::TcpHeader& header) noexcept {
    reset_due_ = true;
    reset_has_ack_ = false;
    reset_sequence_ = Sequence(header.acknowledgment);
}

/// An option is in use if both SYNs carry it.
void Connection::agree_on(const wire::TcpOptions& options) noexcept {
    sack_ = settings_->sack && options.sack_permitted;
    timestamps_ = settings_->timestamps && options.timestamps.has_value();
    if (timestamps_)
        recent_timestamp_ = options.timestamps->value;
    scaling_ = settings_->window_scaling && options.window_scale.has_value();
    if (scaling_)
        send_scale_ = std::min(*options.window_scale, kMaxShift);
    else
        receive_scale_ = 0;
    use_peer_mss(options.mss);
}

/// The handshake is complete.
void Connection::establish(const Arrival& arrival) noexcept {
    if (attempts_ > 0)
        start_with_one_segment();
    else if (handshake_sent_at_ != kNever)
        rtt_.sample(arrival.now - handshake_sent_at_, arrival.now);
    attempts_ = 0;
    syn_due_ = false;
    retransmission_at_ = kNever;
    last_sent_at_ = arrival.now;
    tune_at_ = arrival.now + rtt_.smoothed();

    // Windows of SYNs are never scaled (RFC 7323 2.2).
    const std::uint32_t window = std::uint32_t{arrival.header.window}
                                 << (arrival.header.flags.syn ? 0 : send_scale_);
    window_sequence_ = arrival.begin;
    window_ack_ = records_.una();
    send_edge_ = window_ack_ + window;
    max_send_window_ = window;

    state_ = shutdown_ ? State::FinWait1 : State::Established;
    // A RST that answers an earlier wrong ACK has waited for room. Its number could be the peer's next by
    // now.
    reset_due_ = false;
    events_ |= Event::Connected;
    if (receive_fifo_.size() > 0)
        events_ |= Event::Readable;
    if (keepalive_)
        keepalive_at_ = arrival.now + settings_->keepalive_idle;
    if (fin_known_ && receive_next_ == peer_fin_)
        take_fin(arrival.now);
}

/// The peer's FIN is next.
void Connection::take_fin(Micros now) noexcept {
    count_received();
    receive_next_ += 1;
    counted_ = receive_next_;
    receive_edge_ = later(receive_edge_, receive_next_);
    fin_received_ = true;
    ack_now_ = true;
    events_ |= Event::PeerClosed;
    switch (state_) {
        case State::Established:
            state_ = State::CloseWait;
            break;
        case State::FinWait1:
            state_ = State::Closing;
            break;
        case State::FinWait2:
            enter_time_wait(now);
            break;
        default:
            break;
    }
}

void Connection::after_our_fin_was_acknowledged(Micros now) noexcept {
    switch (state_) {
        case State::FinWait1:
            state_ = State::FinWait2;
            // Nobody reads, and the peer may never send its FIN.
            if (left_ && settings_->fin_wait_2 > Micros(0))
                close_at_ = now + settings_->fin_wait_2;
            else
                close_at_ = kNever;
            break;
        case State::Closing:
            enter_time_wait(now);
            break;
        case State::LastAck:
            end({});
            break;
        default:
            break;
    }
}

void Connection::enter_time_wait(Micros now) noexcept {
    state_ = State::TimeWait;
    events_ |= Event::TimeWait;
    stop_sending_timers();
    keepalive_at_ = kNever;
    keepalive_ = false;
    close_at_ = now + settings_->time_wait;
    release_idle_memory();
}

/// CLOSED. What was received stays readable unless the connection was reset.
void Connection::end(Events why) noexcept {
    state_ = State::Closed;
    events_ |= why | Event::Closed;
    stop_sending_timers();
    ack_at_ = kNever;
    keepalive_at_ = kNever;
    close_at_ = kNever;
    ack_now_ = false;
    syn_due_ = false;
    keepalive_due_ = false;
    release_send_memory();
    if (why.any() || left_ || echo_)
        release_all_memory();
}

void Connection::end_with_reset(Events why) noexcept {
    reset_due_ = true;
    reset_has_ack_ = true;
    reset_sequence_ = records_.next();
    end(why);
}

}  // namespace l2echo::tcp
