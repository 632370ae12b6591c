// Payload that arrives, the window that is advertised, and when to acknowledge (RFC 9293 3.8.6, 2018, 2883,
// 5681 4.2).
#include <algorithm>
#include <array>
#include <bit>

#include "l2echo/tcp/connection.hpp"
#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint8_t kSegmentsPerAck = 2;  // RFC 9293 3.8.6.3
constexpr Micros kMinTuneInterval{1000};     // a round trip below 1 ms would measure single bursts

}  // namespace

/// The SYN took `first - 1`. Our SYN promised the first window.
void Connection::start_receiving(Sequence first) noexcept {
    receive_next_ = first;
    counted_ = first;
    tune_begin_ = first;
    last_ack_sent_ = first;
    receive_edge_ = first + first_window(*settings_);
}

void Connection::take_payload(const Arrival& arrival) noexcept {
    if (fin_received_)  // nothing follows a FIN
        return;
    Sequence end = arrival.payload_end();
    if (arrival.fin && !fin_known_ && end < receive_edge_ &&
        (!has_holes_ || Sequence(out_of_order_.end()) <= end)) {
        fin_known_ = true;
        peer_fin_ = end;
    }
    const Sequence begin = later(arrival.begin, receive_next_);
    if (arrival.begin < begin && !arrival.payload.empty()) [[unlikely]]
        note_duplicate(arrival.begin, earlier(begin, end));
    end = earlier(end, receive_edge_);
    if (fin_known_)
        end = earlier(end, peer_fin_);
    if (begin < end) [[likely]] {
        // Nobody will read (RFC 2525 2.17), or nothing follows our FIN that could echo it.
        if (left_ || (echo_ && shutdown_)) [[unlikely]] {
            end_with_reset({});
            return;
        }
        const auto payload =
            arrival.payload.subspan(bytes_between(arrival.begin, begin), bytes_between(begin, end));
        if (begin == receive_next_) [[likely]]
            take_in_order(payload, arrival.now);
        else
            take_out_of_order(begin, payload);
    } else if (!arrival.payload.empty() || arrival.fin) {
        ack_now_ = true;
    }
    if (fin_known_ && receive_next_ == peer_fin_ && is_synchronized())
        take_fin(arrival.now);
}

void Connection::take_in_order(std::span<const std::byte> payload, Micros now) noexcept {
    const std::uint32_t size = hold(static_cast<std::uint32_t>(payload.size()));
    if (size == 0) [[unlikely]] {
        refuse_for_memory();
        return;
    }
    write_holes(receive_next_, payload.first(size));
    advance(size);
    if (has_holes_) [[unlikely]] {
        // A hole is filled, or part of it: the peer must know at once (RFC 5681 4.2).
        const Sequence next(out_of_order_.advance(*arena_, receive_next_.value()));
        advance(bytes_between(receive_next_, next));
        has_holes_ = !out_of_order_.empty();
        ack_now_ = true;
    }
    if (!echo_ && is_synchronized())
        events_ |= Event::Readable;
    acknowledge_later(now);
}

/// Bytes behind a hole. Only bytes that were missing are written.
void Connection::take_out_of_order(Sequence begin, std::span<const std::byte> payload) noexcept {
    ++out_of_order_received_;
    ack_now_ = true;
    const std::uint32_t offset = bytes_between(receive_next_, begin);
    const std::uint32_t held = hold(offset + static_cast<std::uint32_t>(payload.size()));
    if (held <= offset) {
        refuse_for_memory();
        return;
    }
    payload = payload.first(held - offset);
    const Sequence end = begin + static_cast<std::uint32_t>(payload.size());
    const fifo::Interval held_before = out_of_order_.first_held({begin.value(), end.value()});
    if (!held_before.empty())
        note_duplicate(Sequence(held_before.begin), Sequence(held_before.end));
    write_holes(begin, payload);
    if (!out_of_order_.add(*arena_, {begin.value(), end.value()}))
        refuse_for_memory();
    has_holes_ = !out_of_order_.empty();
}

/// Not per segment: the 64 bits are in another cache line.
void Connection::count_received() noexcept {
    bytes_received_ += bytes_between(counted_, receive_next_);
    counted_ = receive_next_;
}

/// Bytes that arrived before are not written again, so that the application sees the first copy.
void Connection::write_holes(Sequence begin, std::span<const std::byte> payload) noexcept {
    if (!has_holes_) [[likely]] {
        receive_fifo_.write_at(bytes_between(receive_next_, begin), payload);
        return;
    }
    fifo::Interval rest{begin.value(), begin.value() + static_cast<std::uint32_t>(payload.size())};
    while (!rest.empty()) {
        const fifo::Interval hole = out_of_order_.first_hole(rest);
        if (hole.empty())
            break;
        receive_fifo_.write_at(hole.begin - receive_next_.value(),
                               payload.subspan(hole.begin - begin.value(), hole.size()));
        rest.begin = hole.end;
    }
}

void Connection::advance(std::uint32_t bytes) noexcept {
    receive_fifo_.advance_tail(bytes);
    receive_next_ += bytes;
}

/// Makes room for `bytes` after the FIFO's tail. Returns for how many there is room.
std::uint32_t Connection::hold(std::uint32_t bytes) noexcept {
    if (receive_fifo_.space() < bytes && receive_fifo_.capacity() < receive_capacity_) {
        const std::uint32_t beyond =
            !has_holes_ ? 0 : bytes_between(receive_next_, Sequence(out_of_order_.end()));
        const std::uint32_t wanted =
            std::bit_ceil(std::max(receive_fifo_.size() + bytes, settings_->min_buffer));
        // Rather a part than nothing: the peer sends the rest again.
        for (std::uint32_t capacity = std::min(wanted, receive_capacity_);
             capacity > receive_fifo_.capacity(); capacity /= 2) {
            if (receive_fifo_.grow(*arena_, capacity, beyond))
                break;
        }
    }
    return std::min(bytes, receive_fifo_.space());
}

/// The peer sends the bytes again.
void Connection::refuse_for_memory() noexcept {
    ++memory_refused_;
    events_ |= Event::MemoryRefused;
    release_idle_memory();
}

void Connection::note_duplicate(Sequence begin, Sequence end) noexcept {
    ++duplicates_received_;
    ack_now_ = true;
    if (!sack_ || begin >= end)
        return;
    duplicate_due_ = true;
    duplicate_begin_ = begin;
    duplicate_end_ = end;
}

/// At the second segment or as many bytes, or after the delay (RFC 9293 3.8.6.3, RFC 5681 4.2).
void Connection::acknowledge_later(Micros now) noexcept {
    if (++segments_unacknowledged_ >= kSegmentsPerAck ||
        bytes_between(last_ack_sent_, receive_next_) >= 2U * send_mss_)
        ack_now_ = true;
    else if (ack_at_ == kNever)
        ack_at_ = now + settings_->ack_delay;
}

/// Once per round trip: if the peer used half of the window and the application takes the bytes as they come,
/// the window is what limits.
void Connection::tune_receive_window(Micros now) noexcept {
    if (now < tune_at_)
        return;
    const bool is_limit = bytes_between(tune_begin_, receive_next_) >= receive_limit(receive_capacity_) / 2 &&
                          receive_fifo_.size() <= receive_limit(receive_capacity_) / 2;
    const std::uint32_t larger = 2 * receive_capacity_;
    if (is_limit && larger <= settings_->max_receive_buffer &&
        arena_->free_bytes() >= 2 * std::size_t{larger})
        receive_capacity_ = larger;
    tune_begin_ = receive_next_;
    tune_at_ = now + std::max(rtt_.smoothed(), kMinTuneInterval);
}

std::uint32_t Connection::receive_room() const noexcept {
    const std::uint32_t held = receive_fifo_.size();
    return held < receive_limit(receive_capacity_) ? receive_limit(receive_capacity_) - held : 0;
}

/// The window field. The right edge never moves left (RFC 9293 3.8.6), so a window that the scale cannot say
/// exactly is rounded up; and it moves right by a segment at least (3.8.6.2.2).
std::uint16_t Connection::advertise_window() noexcept {
    const Sequence edge = receive_next_ + receive_room();
    const std::int32_t gain = edge - receive_edge_;
    if (gain > 0 && static_cast<std::uint32_t>(gain) >=
                        std::min<std::uint32_t>(receive_limit(receive_capacity_) / 2, send_mss_))
        receive_edge_ = edge;
    const std::uint32_t window = bytes_between(receive_next_, receive_edge_);
    const std::uint32_t field =
        std::min<std::uint32_t>((window + (1U << receive_scale_) - 1) >> receive_scale_, 0xFFFF);
    receive_edge_ = later(receive_edge_, receive_next_ + (field << receive_scale_));
    return static_cast<std::uint16_t>(field);
}

/// The application took bytes: a peer that waits for the window learns it at once.
void Connection::after_bytes_were_taken() noexcept {
    if (is_synchronized() && !fin_received_) {
        const Sequence edge = receive_next_ + receive_room();
        const std::uint32_t rest = bytes_between(receive_next_, receive_edge_);
        const std::int32_t gain = edge - receive_edge_;
        const auto enough = static_cast<std::int32_t>(
            std::min<std::uint32_t>(receive_limit(receive_capacity_) / 2, 2 * send_mss_));
        if (gain >= enough && rest <= receive_limit(receive_capacity_) / 2)
            ack_now_ = true;
    }
    release_idle_memory();
}

/// SACK blocks that the next segment carries.
std::uint32_t Connection::sack_blocks() const noexcept {
    if (!sack_ || (!duplicate_due_ && !has_holes_)) [[likely]]
        return 0;
    const std::uint32_t limit = wire::kMaxSackBlocks - (timestamps_ ? 1 : 0);
    return std::min<std::uint32_t>(
        limit, static_cast<std::uint32_t>(out_of_order_.count()) + (duplicate_due_ ? 1 : 0));
}

/// The duplicate first (RFC 2883 4), then the blocks that changed last (RFC 2018 4).
void Connection::write_sack_blocks(wire::TcpOptions& options) const noexcept {
    const std::uint32_t count = sack_blocks();
    std::array<fifo::Interval, wire::kMaxSackBlocks> recent;
    std::uint32_t written = 0;
    if (duplicate_due_)
        options.sack[written++] = {duplicate_begin_.value(), duplicate_end_.value()};
    const auto wanted = std::span(recent).first(count - written);
    out_of_order_.recent(wanted);
    for (const fifo::Interval& interval : wanted)
        options.sack[written++] = {interval.begin, interval.end};
    options.sack_blocks = static_cast<std::uint8_t>(count);
}

}  // namespace l2echo::tcp
