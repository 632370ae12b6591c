// A connection whose peer is a fuzzer. It knows which bytes each end sent, and checks after each call what
// must hold whatever the peer and the application do.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/connection.hpp"

namespace l2echo::fuzz {

using tcp::Micros;
using tcp::Sequence;
using tcp::State;

inline void require(bool holds, const char* what) {
    if (holds)
        return;
    std::fprintf(stderr, "connection_fuzzer: violated invariant: %s\n", what);
    std::abort();
}

/// The byte of each sequence number, so that both streams can be checked without a copy of them.
inline std::byte byte_at(Sequence sequence) {
    return static_cast<std::byte>(sequence.value() * 2654435761U >> 24);
}

/// Memory of exactly the size, so that the sanitizer sees an access beyond it.
inline std::vector<std::byte> bytes_from(Sequence begin, std::size_t length) {
    std::vector<std::byte> bytes(length);
    for (std::byte& byte : bytes) {
        byte = byte_at(begin);
        begin += 1;
    }
    return bytes;
}

/// Which sequence numbers the peer sent, counted from its first byte.
class SentNumbers {
  public:
    void add(std::int64_t begin, std::int64_t end) {
        begin = std::max<std::int64_t>(begin, 0);
        if (begin >= end)
            return;
        const auto first =
            std::ranges::find_if(ranges_, [begin](const Range& range) { return range.second >= begin; });
        auto last = first;
        for (; last != ranges_.end() && last->first <= end; ++last) {
            begin = std::min(begin, last->first);
            end = std::max(end, last->second);
        }
        ranges_.insert(ranges_.erase(first, last), {begin, end});
    }
    bool contains(std::int64_t begin, std::int64_t end) const {
        return begin >= end || std::ranges::any_of(ranges_, [begin, end](const Range& range) {
                   return range.first <= begin && end <= range.second;
               });
    }
    std::int64_t end() const { return ranges_.empty() ? 0 : ranges_.back().second; }

  private:
    using Range = std::pair<std::int64_t, std::int64_t>;
    std::vector<Range> ranges_;  // ascending, neither overlapping nor adjacent
};

/// What the opening of a connection fixed.
struct Opening {
    Sequence ours;                  ///< of our SYN
    std::optional<Sequence> peers;  ///< of the peer's SYN, if it came already
    std::uint16_t peer_mss = 0;     ///< as in Handshake, if the SYN came
    std::optional<std::uint8_t> peer_scale{};
    std::uint8_t scale = 0;    ///< that our SYN offers
    std::uint16_t window = 0;  ///< of our SYN
};

class CheckedConnection {
  public:
    template <typename Start>
    CheckedConnection(const tcp::Settings& settings, fifo::Arena& arena, const tcp::Tuple& tuple,
                      std::uint16_t mtu, const Start& start, const Opening& opening, Micros now)
        : settings_(settings),
          arena_(arena),
          mtu_(mtu),
          opening_(opening),
          connection_(std::make_unique<tcp::Connection>(settings, arena, tuple, mtu, start, now)) {
        if (opening_.peers)
            note_synchronized(*opening_.peers, opening_.peer_mss, opening_.peer_scale);
        check();
    }

    tcp::Connection& operator*() { return *connection_; }
    const tcp::Connection& operator*() const { return *connection_; }

    // --- Where interesting sequence numbers are

    Sequence next() const { return connection_->time_wait_state().next; }
    Sequence una() const { return next() - connection_->info().unacknowledged; }
    Sequence send_edge() const { return una() + connection_->info().send_window; }
    Sequence receive_next() const { return connection_->time_wait_state().receive_next; }
    Sequence receive_edge() const { return receive_next() + connection_->info().receive_window; }
    Sequence first_received() const { return first_received_; }
    Sequence highest_received() const {
        return first_received_ + static_cast<std::uint32_t>(received_.end());
    }
    Sequence ours() const { return opening_.ours; }
    std::uint32_t last_timestamp() const { return last_timestamp_; }
    bool is_open() const { return connection_->state() > State::SynReceived; }

    // --- Calls

    void receive(const wire::TcpHeader& header, Micros now) { receive(header, payload_of(header, 0), now); }
    void receive(const wire::TcpHeader& header, std::size_t length, Micros now) {
        receive(header, payload_of(header, length), now);
    }

    /// Sends all that is due, but at most `limit` segments.
    void drain(Micros now, std::uint32_t limit = UINT32_MAX) {
        const std::uint64_t resendable = 2 * std::uint64_t{connection_->info().unacknowledged} + 1;
        std::uint64_t resent = 0;
        std::uint32_t empty = 0;
        std::uint32_t segments = 0;
        for (; limit > 0; --limit) {
            const Before before = state_before();
            const auto segment = connection_->next_segment(now);
            if (!segment)
                break;
            const std::uint32_t length = check_segment(*segment, before);
            if (length == 0)
                require(++empty <= kMaxEmptySegments, "few segments without bytes follow one event");
            else if (next() == before.next)
                resent += length;
            require(resent <= resendable, "no byte is sent again and again for one event");
            // The check walks all records.
            if (++segments <= kCheckedSegments)
                check();
        }
        check();
    }

    /// Acts on all deadlines until now.
    void expire(Micros now) {
        for (std::uint32_t times = 0; connection_->deadline() && *connection_->deadline() <= now; ++times) {
            require(times < kMaxExpirations, "a timer that expired is not due again at once");
            note(connection_->expire(now));
            check();
            drain(now);
        }
    }

    void on_icmp(const tcp::IcmpError& error, Micros now) {
        note(connection_->on_icmp(error, now));
        check();
    }

    void write(std::size_t length) {
        const std::size_t admitted = connection_->writable();
        const std::size_t taken = connection_->write(bytes_from(opening_.ours + 1 + written_, length));
        require(taken <= std::min(length, admitted), "no more is taken than writable() said");
        written_ += static_cast<std::uint32_t>(taken);
        check();
    }

    void read(std::size_t length) {
        std::vector<std::byte> bytes(length);
        const std::size_t readable = connection_->readable();
        const std::size_t count = connection_->read(bytes);
        require(count == std::min(length, readable), "read() takes what is readable");
        check_read(std::span(bytes).first(count));
        check();
    }

    void consume(std::size_t length) {
        const fifo::Bytes bytes = connection_->peek();
        require(bytes.first.size() + bytes.second.size() == connection_->readable(),
                "peek() shows what is readable");
        length = std::min(length, connection_->readable());
        const std::size_t first = std::min(length, bytes.first.size());
        check_read(bytes.first.first(first));
        check_read(bytes.second.first(length - first));
        connection_->consume(length);
        check();
    }

    void echo() {
        if (connection_->echo() && !echo_begin_)
            echo_begin_ = {written_, read_};
        check();
    }

    void check() const {
        if (const char* broken = connection_->broken_invariant())
            require(false, broken);
        require(arena_.wrong_releases() == 0, "each block is returned once");
        require(!was_closed_ || connection_->state() == State::Closed, "CLOSED is the last state");
        if (opening_.peers)
            require(received_.contains(0, offset_of(receive_next())), "RCV.NXT is after bytes that came");
    }

  private:
    static constexpr std::uint32_t kMaxEmptySegments = 4;  // a RST, a probe, an ACK, and one for luck
    static constexpr std::uint32_t kCheckedSegments = 4;
    static constexpr std::uint32_t kMaxExpirations = 16;  // kinds of timers, each twice

    struct Before {
        Sequence una;
        Sequence next;
        Sequence edge;
        tcp::Info info;
    };
    struct EchoBegin {
        std::uint32_t written;
        std::uint32_t read;
    };

    std::int64_t offset_of(Sequence sequence) const { return sequence - first_received_; }

    std::vector<std::byte> payload_of(const wire::TcpHeader& header, std::size_t length) const {
        return bytes_from(Sequence(header.sequence) + (header.flags.syn ? 1 : 0), length);
    }

    void receive(const wire::TcpHeader& header, std::span<const std::byte> payload, Micros now) {
        const bool was_syn_sent = connection_->state() == State::SynSent;
        if (!was_syn_sent)
            note_received(header, payload.size());
        note_window(header);
        const std::uint32_t window_before = connection_->info().send_window;
        note(connection_->receive(header, payload, now));
        if (was_syn_sent && connection_->state() != State::SynSent && connection_->state() != State::Closed) {
            note_synchronized(Sequence(header.sequence), header.options.mss, header.options.window_scale);
            note_received(header, payload.size());
        }
        if (opening_.peers && connection_->info().send_window != window_before)
            require(send_edge() <= peer_edge_, "the send window is one that the peer advertised");
        check();
    }

    void note(tcp::Events events) {
        const bool is_closed = connection_->state() == State::Closed;
        require(!events.has(tcp::Event::Closed) || is_closed, "the event Closed is that of the state");
        was_closed_ = was_closed_ || is_closed;
    }

    /// The peer's SYN was accepted.
    void note_synchronized(Sequence peers, std::uint16_t mss, std::optional<std::uint8_t> scale) {
        opening_.peers = peers;
        first_received_ = peers + 1;
        edge_ = first_received_ + opening_.window;
        peer_edge_ = opening_.ours + 1 + 0xFFFF;
        if (mss == 0)
            mss = connection_->tuple().local.version == 6 ? 1220 : 536;
        peer_mss_ = std::max(mss, settings_.min_mss);
        peer_scale_ = scale && settings_.window_scaling ? std::min<std::uint8_t>(*scale, 14) : 0;
    }

    void note_received(const wire::TcpHeader& header, std::size_t length) {
        const std::int64_t begin = offset_of(Sequence(header.sequence)) + (header.flags.syn ? 1 : 0);
        received_.add(begin, begin + static_cast<std::int64_t>(length) + (header.flags.fin ? 1 : 0));
    }

    void note_window(const wire::TcpHeader& header) {
        if (!opening_.peers || !header.flags.ack)
            return;
        const Sequence ack(header.acknowledgment);
        if (ack > next() + 1 || ack < opening_.ours)
            return;
        peer_edge_ =
            later(peer_edge_, ack + (std::uint32_t{header.window} << (header.flags.syn ? 0 : peer_scale_)));
    }

    Before state_before() const { return {una(), next(), send_edge(), connection_->info()}; }

    void check_read(std::span<const std::byte> bytes) {
        for (const std::byte byte : bytes) {
            require(byte == byte_at(first_received_ + read_), "what is read is what the peer sent");
            ++read_;
        }
    }

    std::byte expected_at(Sequence sequence) const {
        const std::uint32_t offset = bytes_between(opening_.ours + 1, sequence);
        if (!echo_begin_ || offset < echo_begin_->written)
            return byte_at(sequence);
        return byte_at(first_received_ + echo_begin_->read + (offset - echo_begin_->written));
    }

    /// Returns the sequence numbers that it takes.
    std::uint32_t check_segment(const tcp::OutgoingSegment& segment, const Before& before) {
        const wire::TcpHeader& header = segment.header;
        check_header(header);
        const auto payload = static_cast<std::uint32_t>(segment.payload_length());
        if (header.flags.rst) {
            require(payload == 0 && !header.flags.syn && !header.flags.fin, "a RST is nothing else");
            require(connection_->state() == State::Closed || !is_open(), "an open connection sends no RST");
            return 0;
        }
        require(connection_->state() != State::Closed, "CLOSED sends only a RST");
        if (header.flags.syn) {
            require(payload == 0 && Sequence(header.sequence) == opening_.ours && !is_open(),
                    "a SYN has our first number");
            require(header.options.mss <= mtu_ - 40, "the MSS is within the MTU");
            check_acknowledgment(header, 0);
            return 0;
        }
        check_acknowledgment(header, connection_->info().window_scaling ? opening_.scale : 0);
        check_bytes(segment);
        const Sequence begin(header.sequence);
        const std::uint32_t length = payload + (header.flags.fin ? 1 : 0);
        if (length == 0) {
            require(begin == before.next || begin == before.next - 1, "an ACK is at SND.NXT");
        } else if (next() != before.next) {
            check_new(begin, payload, length, before);
        } else if (begin == before.next) {
            require(length == 1 && before.una == before.next, "a window probe is one byte, alone");
        } else {
            require(begin >= before.una && begin + length <= before.next, "what is sent again is in flight");
        }
        check_size(header, payload);
        check_fin(header, begin + length);
        return length;
    }

    void check_header(const wire::TcpHeader& header) const {
        std::array<std::byte, wire::kMaxTcpHeaderLength> written{};
        wire::TcpHeader again;
        const std::uint32_t length = wire::write_header(header, written.data());
        require(wire::read_header(std::span(written).first(length), again) && again == header,
                "a header is read as it was written");
        require(header.source_port == connection_->tuple().local_port &&
                    header.destination_port == connection_->tuple().remote_port,
                "the ports are those of the tuple");
    }

    /// `scale` is that of the window field.
    void check_acknowledgment(const wire::TcpHeader& header, std::uint8_t scale) {
        if (header.options.timestamps)
            last_timestamp_ = header.options.timestamps->value;
        if (!header.flags.ack) {
            require(connection_->state() == State::SynSent, "each segment after the first SYN acknowledges");
            return;
        }
        require(header.options.timestamps.has_value() == connection_->info().timestamps,
                "each segment has timestamps if that was agreed");
        const Sequence ack(header.acknowledgment);
        require(ack == receive_next() && received_.contains(0, offset_of(ack)),
                "only bytes that came are acknowledged");
        const Sequence edge = ack + (std::uint32_t{header.window} << scale);
        // Without a scale, a field of 16 bits cannot say the whole window.
        require(edge >= edge_ || header.window == 0xFFFF, "the right edge of the window never moves left");
        require(edge - ack <= static_cast<std::int64_t>(settings_.max_receive_buffer),
                "the window is within the buffer");
        edge_ = later(edge_, edge);
        for (std::size_t i = 0; i < header.options.sack_blocks; ++i) {
            const wire::SackBlock& block = header.options.sack.at(i);
            const std::int64_t left = offset_of(Sequence(block.left));
            const std::int64_t right = offset_of(Sequence(block.right));
            require(left < right, "a SACK block has bytes");
            // A duplicate may begin before the first byte.
            require(received_.contains(std::max<std::int64_t>(left, 0), right),
                    "a SACK block has only bytes that came");
        }
    }

    void check_new(Sequence begin, std::uint32_t payload, std::uint32_t length, const Before& before) const {
        require(begin == before.next && next() == begin + length, "new bytes begin at SND.NXT");
        require(begin + length <= before.edge, "new bytes are within the peer's window");
        const tcp::Info info = connection_->info();
        const bool is_probe = info.probes != before.info.probes;
        if (!before.info.in_recovery && before.info.flight > 0 && !is_probe)
            require(before.info.flight + payload <= info.congestion_window,
                    "new bytes are within the congestion window");
    }

    void check_size(const wire::TcpHeader& header, std::uint32_t payload) const {
        if (payload <= 8)  // the least, however small the MSS
            return;
        const std::uint32_t headers = connection_->tuple().local.version == 6 ? 60 : 40;
        const std::uint32_t limit =
            std::min<std::uint32_t>({peer_mss_, settings_.max_mss, connection_->info().path_mtu - headers});
        const std::uint32_t options = wire::header_length(header) - wire::kTcpHeaderLength;
        require(payload + options <= limit, "a segment is within the MSS and the path MTU");
    }

    void check_bytes(const tcp::OutgoingSegment& segment) const {
        Sequence at(segment.header.sequence);
        for (const auto& part : {segment.first, segment.second}) {
            for (const std::byte byte : part) {
                require(byte == expected_at(at), "what is sent is what was written, or received to echo");
                at += 1;
            }
        }
    }

    void check_fin(const wire::TcpHeader& header, Sequence end) {
        if (header.flags.fin) {
            require(!fin_end_ || *fin_end_ == end, "the FIN has one place");
            fin_end_ = end;
        }
        require(!fin_end_ || end <= *fin_end_, "nothing follows the FIN");
        require(!fin_end_ || header.flags.fin || end < *fin_end_ || end == next(), "the FIN is repeated");
    }

    const tcp::Settings& settings_;
    const fifo::Arena& arena_;
    std::uint16_t mtu_;
    Opening opening_;
    std::unique_ptr<tcp::Connection> connection_;
    bool was_closed_ = false;
    std::uint16_t peer_mss_ = 0;
    std::uint8_t peer_scale_ = 0;
    SentNumbers received_;
    Sequence first_received_;
    Sequence edge_;       // of the windows that we advertised
    Sequence peer_edge_;  // of the windows that the peer may have advertised
    std::uint32_t written_ = 0;
    std::uint32_t read_ = 0;
    std::optional<EchoBegin> echo_begin_;
    std::optional<Sequence> fin_end_;
    std::uint32_t last_timestamp_ = 0;
};

}  // namespace l2echo::fuzz
