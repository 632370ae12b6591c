// A connection whose peer is the test: segments are written by hand, and virtual time passes only when a test
// says.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/connection.hpp"

namespace l2echo::tcp {

inline wire::IpAddress test_address(std::uint8_t last) {
    const std::byte bytes[] = {std::byte{198}, std::byte{51}, std::byte{100}, std::byte{last}};
    return wire::IpAddress::from_ipv4(bytes);
}

inline wire::IpAddress test_address6(std::uint8_t last) {
    std::byte bytes[16] = {std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    bytes[15] = std::byte{last};
    return wire::IpAddress::from_ipv6(bytes);
}

inline Tuple test_tuple() {
    return {test_address(1), test_address(2), 7, 40000};
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// A segment that the connection sent, with a copy of its payload.
struct Sent {
    wire::TcpHeader header;
    std::string payload;

    Sequence begin() const { return Sequence(header.sequence); }
    Sequence ack() const { return Sequence(header.acknowledgment); }
};

inline Sent copy_of(const OutgoingSegment& segment) {
    Sent sent{segment.header, {}};
    for (const auto& part : {segment.first, segment.second})
        sent.payload.append(reinterpret_cast<const char*>(part.data()), part.size());
    return sent;
}

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// The sequence numbers of both ends start shortly before they wrap.
class OneEnd {
  public:
    static constexpr Sequence kOurs{0xFFFFFE00};   // our SYN
    static constexpr Sequence kPeers{0xFFFFFD00};  // the peer's SYN
    static constexpr std::uint16_t kMss = 1460;

    explicit OneEnd(std::size_t memory = std::size_t{4} << 20) : memory_(memory), arena(memory_) {
        // Tests of single rules are easier to read without options; those of options switch them on.
        settings.timestamps = false;
        settings.sack = false;
        settings.window_scaling = false;
        settings.congestion = CongestionAlgorithm::NewReno;
        settings.hystart = false;
    }
    ~OneEnd() {
        const std::size_t before = arena.free_bytes();
        connection.reset();
        EXPECT_EQ(arena.free_bytes(), arena.size()) << "free before: " << before;
        EXPECT_EQ(arena.wrong_releases(), 0U);
    }

    Connection& operator*() { return *connection; }
    Connection* operator->() { return connection.get(); }

    /// In SYN-SENT; the SYN was sent.
    Sent open_actively(std::uint16_t mtu = 1500) {
        connection = std::make_unique<Connection>(settings, arena, tuple, mtu, ActiveOpen{kOurs, clock}, now);
        return send_one();
    }

    /// In SYN-RECEIVED, as after a listener's half-open entry.
    void open_passively(std::uint16_t mtu = 1500) {
        Handshake handshake;
        handshake.initial_send = kOurs;
        handshake.initial_receive = kPeers;
        handshake.peer_mss = kMss;
        if (settings.window_scaling)
            handshake.peer_scale = peer_scale;
        handshake.sack = settings.sack;
        handshake.timestamps = settings.timestamps;
        handshake.peer_timestamp = peer_timestamp;
        handshake.clock = clock;
        handshake.sent_at = now;
        connection = std::make_unique<Connection>(settings, arena, tuple, mtu, handshake, now);
    }

    /// In ESTABLISHED after a round trip of `rtt`. Nothing is due.
    void establish(Micros rtt = milliseconds(10), std::uint16_t mtu = 1500) {
        open_passively(mtu);
        pass(rtt);
        EXPECT_TRUE(receive(ack()).has(Event::Connected));
        EXPECT_EQ(connection->state(), State::Established);
        EXPECT_TRUE(drain().empty());
    }

    // --- Segments of the peer. Sequence numbers follow what the peer sent; each can be changed before
    // receive().

    wire::TcpHeader ack() const {
        wire::TcpHeader header{};
        header.source_port = tuple.remote_port;
        header.destination_port = tuple.local_port;
        header.sequence = peer_next.value();
        header.acknowledgment = our_next.value();
        header.flags.ack = true;
        header.window = peer_window;
        if (settings.timestamps)
            header.options.timestamps = wire::TcpTimestamps{peer_timestamp, clock.at(now)};
        return header;
    }
    wire::TcpHeader ack(Sequence acknowledged) const {
        wire::TcpHeader header = ack();
        header.acknowledgment = acknowledged.value();
        return header;
    }
    wire::TcpHeader ack(Sequence acknowledged, std::initializer_list<wire::SackBlock> blocks) const {
        wire::TcpHeader header = ack(acknowledged);
        for (const wire::SackBlock& block : blocks)
            header.options.sack[header.options.sack_blocks++] = block;
        return header;
    }
    wire::TcpHeader syn() const {
        wire::TcpHeader header = ack();
        header.sequence = kPeers.value();
        header.flags.syn = true;
        header.flags.ack = false;
        header.options.mss = kMss;
        header.options.sack_permitted = settings.sack;
        if (settings.window_scaling)
            header.options.window_scale = peer_scale;
        return header;
    }
    wire::TcpHeader syn_ack() const {
        wire::TcpHeader header = syn();
        header.flags.ack = true;
        return header;
    }
    wire::TcpHeader fin() const {
        wire::TcpHeader header = ack();
        header.flags.fin = true;
        return header;
    }
    wire::TcpHeader rst() const {
        wire::TcpHeader header = ack();
        header.flags.rst = true;
        return header;
    }

    Events receive(const wire::TcpHeader& header, std::string_view payload = {}) {
        const Events events = connection->receive(header, bytes_of(payload), now);
        check();
        return events;
    }
    /// Bytes of the peer in sequence; peer_next follows.
    Events receive_next(std::string_view payload) {
        const Events events = receive(ack(), payload);
        peer_next += static_cast<std::uint32_t>(payload.size());
        return events;
    }
    Events receive_fin() {
        const Events events = receive(fin());
        peer_next += 1;
        return events;
    }

    // --- What the connection does

    std::vector<Sent> drain() {
        std::vector<Sent> sent;
        while (auto segment = connection->next_segment(now)) {
            sent.push_back(copy_of(*segment));
            const auto length = static_cast<std::uint32_t>(sent.back().payload.size()) +
                                (sent.back().header.flags.fin ? 1U : 0U) +
                                (sent.back().header.flags.syn ? 1U : 0U);
            if (!sent.back().header.flags.rst)
                our_next = later(our_next, sent.back().begin() + length);
            if (sent.size() > 100'000) {
                ADD_FAILURE() << "output does not end";
                break;
            }
        }
        check();
        return sent;
    }
    /// Exactly one segment.
    Sent send_one() {
        const std::vector<Sent> sent = drain();
        EXPECT_EQ(sent.size(), 1U);
        return sent.empty() ? Sent{} : sent.front();
    }
    std::vector<Sent> write(std::string_view text) {
        EXPECT_EQ(connection->write(bytes_of(text)), text.size());
        return drain();
    }
    std::string read(std::size_t count = 1U << 20) {
        std::string text(count, '\0');
        text.resize(connection->read(std::as_writable_bytes(std::span(text))));
        check();
        return text;
    }

    void pass(Micros duration) { now += duration; }
    /// Lets time pass until the earliest deadline, and acts on it.
    Events expire() {
        const std::optional<Micros> at = connection->deadline();
        EXPECT_TRUE(at.has_value());
        if (at)
            now = std::max(now, *at);
        const Events events = connection->expire(now);
        check();
        return events;
    }
    /// Acts on all deadlines within `duration`, and returns what was sent.
    std::vector<Sent> run(Micros duration) {
        std::vector<Sent> sent = drain();
        const Micros end = now + duration;
        while (connection->deadline() && *connection->deadline() <= end) {
            now = std::max(now, *connection->deadline());
            events |= connection->expire(now);
            check();
            for (Sent& segment : drain())
                sent.push_back(std::move(segment));
        }
        now = end;
        return sent;
    }

    void check() const {
        if (const char* broken = connection->broken_invariant())
            ADD_FAILURE() << "does not hold: " << broken;
    }

  private:
    std::vector<std::byte> memory_;

  public:
    Settings settings;
    fifo::Arena arena;
    Tuple tuple = test_tuple();
    Micros now = hours(1);
    TimestampClock clock{0xFFFFFF00};
    std::uint32_t peer_timestamp = 0xFFFFFFF0;
    std::uint16_t peer_window = 0xFFFF;
    std::uint8_t peer_scale = 7;
    Sequence our_next = kOurs + 1;  // what the peer acknowledges: all that was sent
    Sequence peer_next = kPeers + 1;
    Events events;  // of run()
    std::unique_ptr<Connection> connection;
};

}  // namespace l2echo::tcp
