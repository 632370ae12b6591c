// The next segment of a connection: retransmissions first, then new bytes, probes, and acknowledgments alone.
#include <algorithm>

#include "l2echo/tcp/connection.hpp"
#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint32_t kUncounted = 1U << 30;  // bytes: far below what 32 bits can count
constexpr std::uint32_t kSackBlockBytes = 8;
constexpr std::uint32_t kSackHeaderBytes = 4;  // with padding

wire::TcpHeader empty_header(std::uint16_t source_port, std::uint16_t destination_port) noexcept {
    wire::TcpHeader header{};
    header.source_port = source_port;
    header.destination_port = destination_port;
    return header;
}

}  // namespace

std::optional<OutgoingSegment> Connection::next_segment(Micros now) noexcept {
    if (reset_due_) [[unlikely]]
        return reset_segment();
    if (!is_synchronized()) [[unlikely]]
        return handshake_segment(now);
    if (!records_.empty() || fin_is_due() || send_fifo().size() > 0) {
        if (records_.lost() > 0) [[unlikely]] {
            if (auto segment = lost_segment(now))
                return segment;
        }
        if (tail_probe_due_) [[unlikely]] {
            if (auto segment = tail_probe(now))
                return segment;
        }
        if (auto segment = new_segment(now))
            return segment;
        if (window_probe_due_) [[unlikely]] {
            if (auto segment = window_probe(now))
                return segment;
        }
    }
    if (keepalive_due_) [[unlikely]]
        return keepalive_probe(now);
    if (ack_now_)
        return acknowledgment(now);
    return std::nullopt;
}

std::optional<OutgoingSegment> Connection::reset_segment() noexcept {
    reset_due_ = false;
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    segment.header.sequence = reset_sequence_.value();
    segment.header.flags.rst = true;
    if (reset_has_ack_) {
        segment.header.flags.ack = true;
        segment.header.acknowledgment = receive_next_.value();
    }
    return segment;
}

std::optional<OutgoingSegment> Connection::handshake_segment(Micros now) noexcept {
    if (state_ == State::Closed)
        return std::nullopt;
    if (!syn_due_) {
        if (ack_now_ && state_ == State::SynReceived)
            return acknowledgment(now);
        return std::nullopt;
    }
    syn_due_ = false;
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    wire::TcpHeader& header = segment.header;
    header.sequence = initial_send_.value();
    header.flags.syn = true;
    const bool is_answer = state_ == State::SynReceived;
    if (is_answer) {
        header.flags.ack = true;
        header.acknowledgment = receive_next_.value();
        note_acknowledged();
    }
    // The peer's SYN may have brought bytes, which take their part of the window.
    header.window = is_answer ? static_cast<std::uint16_t>(std::min<std::uint32_t>(
                                    bytes_between(receive_next_, receive_edge_), 0xFFFF))
                              : first_window(*settings_);
    wire::TcpOptions& options = header.options;
    options.mss = own_mss(*settings_, link_mtu_, is_ipv6_);
    options.sack_permitted = is_answer ? sack_ : settings_->sack;
    if (is_answer ? scaling_ : settings_->window_scaling)
        options.window_scale = receive_scale_;
    if (is_answer ? timestamps_ : settings_->timestamps)
        options.timestamps = wire::TcpTimestamps{clock_.at(now), is_answer ? recent_timestamp_ : 0};
    if (attempts_ == 0)
        handshake_sent_at_ = now;
    arm_handshake(now);
    return segment;
}

/// A lost segment is sent before new bytes.
std::optional<OutgoingSegment> Connection::lost_segment(Micros now) noexcept {
    const std::optional<SentSegment> lost = records_.next_lost(full_payload());
    if (!lost || !(resend_now_ || congestion_admits(lost->length, true)))
        return std::nullopt;
    // A part of a segment that became too long needs a record of its own.
    const bool is_recorded = records_.resend(lost->begin, lost->length, now) ||
                             (records_.make_room(*arena_) && records_.resend(lost->begin, lost->length, now));
    // Without memory for it, a timeout sends the part anyway: the whole stays lost until the next one.
    if (!is_recorded && !resend_now_)
        return std::nullopt;
    resend_now_ = false;
    note_resent(lost->begin, lost->begin + lost->length, now);
    if (phase_ == Phase::Recovery)
        prr_.on_sent(lost->length);
    OutgoingSegment segment = segment_at(lost->begin, lost->length, now);
    after_sending(now);
    return segment;
}

/// New bytes, and the FIN after the last one.
std::optional<OutgoingSegment> Connection::new_segment(Micros now) noexcept {
    const std::uint32_t waiting = unsent();
    const bool fin_due = fin_is_due();
    if (waiting == 0 && !fin_due)
        return std::nullopt;
    if (records_.empty() && now - last_sent_at_ > rtt_.rto())
        congestion_.on_idle(now - last_sent_at_, rtt_.rto());
    if (now >= path_mtu_raise_at_) [[unlikely]]
        raise_path_mtu();
    const std::uint32_t length = sendable(waiting, fin_due);
    // The FIN takes one byte of the window.
    const bool fin = fin_due && length == waiting && records_.next() + length < send_edge_;
    const std::uint32_t taken = length + (fin ? 1 : 0);
    const Sequence begin = records_.next();
    if (taken == 0 || !congestion_admits(length, false) ||
        !records_.append(*arena_, taken, now, settings_->max_segments_in_flight)) {
        if (records_.empty() && !window_probing_)
            arm_window_probe(now);
        return std::nullopt;
    }
    fin_sent_ = fin_sent_ || fin;
    if (window_probing_)
        stop_window_probe();
    window_probe_sent_ = false;
    if (phase_ == Phase::Recovery)
        prr_.on_sent(taken);
    OutgoingSegment segment = segment_at(begin, taken, now);
    after_sending(now);
    arm_tail_probe(now);
    return segment;
}

/// Bytes that the window, Nagle and silly window avoidance admit (RFC 9293 3.8.6.2.1).
std::uint32_t Connection::sendable(std::uint32_t waiting, bool fin_due) const noexcept {
    const std::int32_t usable = send_edge_ - records_.next();
    if (usable <= 0 || waiting == 0)
        return 0;
    const std::uint32_t full = full_payload();
    const std::uint32_t length = std::min({waiting, full, static_cast<std::uint32_t>(usable)});
    if (length == full || override_)
        return length;
    if (length == waiting)
        return no_delay_ || records_.empty() || fin_due ? length : 0;
    // The window admits a part: worth a segment if the peer will never admit much more.
    return length >= max_send_window_ / 2 && (no_delay_ || records_.empty()) ? length : 0;
}

bool Connection::congestion_admits(std::uint32_t length, bool is_repeated) const noexcept {
    const std::uint32_t flight = records_.flight();
    // New bytes must fit whole: after short segments, each recovery would add the rest of one to the flight.
    if (phase_ == Phase::Recovery)
        return flight == 0 || (is_repeated ? prr_.allowance() > 0 : prr_.allowance() >= length);
    return flight == 0 || flight + length <= congestion_.window();
}

/// RFC 8985 7.3: new bytes if the peer admits them, else the last segment again; cwnd does not count.
std::optional<OutgoingSegment> Connection::tail_probe(Micros now) noexcept {
    tail_probe_due_ = false;
    if (records_.empty() || phase_ != Phase::Open)
        return std::nullopt;
    ++probes_;
    const auto usable = static_cast<std::uint32_t>(std::max(0, send_edge_ - records_.next()));
    const std::uint32_t length = std::min({unsent(), full_payload(), usable});
    Sequence begin = records_.next();
    std::uint32_t sent = length;
    bool is_repeated = false;
    if (length == 0 || !records_.append(*arena_, length, now, settings_->max_segments_in_flight)) {
        is_repeated = true;
        const SendRecord& last = records_.last();
        sent = std::min<std::uint32_t>(last.length, full_payload());
        begin = last.end() - sent;
        if (begin != last.begin || !records_.resend(begin, sent, now)) {
            arm_retransmission(now);
            return std::nullopt;
        }
        ++segments_retransmitted_;
    }
    tail_probe_.on_sent(records_.next(), is_repeated);
    OutgoingSegment segment = segment_at(begin, sent, now);
    after_sending(now);
    arm_retransmission(now);
    return segment;
}

/// The next byte beyond the window. It is not in flight: if the peer takes it, take_probed_byte() learns it.
std::optional<OutgoingSegment> Connection::window_probe(Micros now) noexcept {
    window_probe_due_ = false;
    if (!records_.empty())
        return std::nullopt;
    window_probe_sent_ = true;
    const bool fin = unsent() == 0;
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    write_header(segment.header, records_.next(), now);
    segment.header.flags.fin = fin;
    if (!fin)
        segment.first = send_fifo().peek(0, 1).first;
    return segment;
}

/// RFC 9293 3.8.4: a segment that the peer must answer, as it has this byte already.
std::optional<OutgoingSegment> Connection::keepalive_probe(Micros now) noexcept {
    keepalive_due_ = false;
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    write_header(segment.header, records_.next() - 1, now);
    return segment;
}

std::optional<OutgoingSegment> Connection::acknowledgment(Micros now) noexcept {
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    write_header(segment.header, records_.next(), now);
    return segment;
}

/// The bytes from `begin` on, which are recorded. The last of them may be the FIN.
OutgoingSegment Connection::segment_at(Sequence begin, std::uint32_t length, Micros now) noexcept {
    OutgoingSegment segment{empty_header(local_port_, remote_port_), {}, {}};
    write_header(segment.header, begin, now);
    const bool fin = fin_sent_ && begin + length == records_.next();
    const std::uint32_t payload = length - (fin ? 1 : 0);
    if (payload > 0) {
        const std::uint32_t offset = bytes_between(records_.una(), begin);
        const fifo::Bytes bytes = send_fifo().peek(offset, payload);
        segment.first = bytes.first;
        segment.second = bytes.second;
        segment.header.flags.psh = offset + payload == send_fifo().size();
    }
    segment.header.flags.fin = fin;
    bytes_sent_ += payload;
    ++segments_sent_;
    return segment;
}

/// Each segment after the handshake acknowledges.
void Connection::write_header(wire::TcpHeader& header, Sequence sequence, Micros now) noexcept {
    header.sequence = sequence.value();
    header.acknowledgment = receive_next_.value();
    header.flags.ack = true;
    tune_receive_window(now);
    if (bytes_between(counted_, receive_next_) > kUncounted) [[unlikely]]
        count_received();
    header.window = advertise_window();
    if (timestamps_)
        header.options.timestamps = wire::TcpTimestamps{clock_.at(now), recent_timestamp_};
    if (sack_ && (duplicate_due_ || has_holes_)) [[unlikely]]
        write_sack_blocks(header.options);
    note_acknowledged();
}

/// The peer learns of everything that we received.
void Connection::note_acknowledged() noexcept {
    last_ack_sent_ = receive_next_;
    segments_unacknowledged_ = 0;
    ack_now_ = false;
    ack_at_ = kNever;
    duplicate_due_ = false;
}

/// Payload of a full segment that is sent now: SACK blocks take their part.
std::uint32_t Connection::full_payload() const noexcept {
    const std::uint32_t blocks = sack_blocks();
    if (blocks == 0) [[likely]]
        return send_mss_;
    const std::uint32_t option = kSackHeaderBytes + kSackBlockBytes * blocks;
    return send_mss_ > option ? send_mss_ - option : 1;
}

void Connection::note_resent(Sequence begin, Sequence end, Micros now) noexcept {
    ++segments_retransmitted_;
    undo_una_ = resent_segments_ == 0 ? later(undo_una_, begin) : undo_una_;
    undo_limit_ = resent_segments_ == 0 ? end : later(undo_limit_, end);
    ++resent_segments_;
    if (!has_resent_) {
        has_resent_ = true;
        resent_timestamp_ = clock_.at(now);
        resent_end_ = end;
    }
}

void Connection::after_sending(Micros now) noexcept {
    last_sent_at_ = now;
    override_ = false;
    congestion_.on_sent(records_.flight());
    if (retransmission_at_ == kNever)
        arm_retransmission(now);
}

}  // namespace l2echo::tcp
