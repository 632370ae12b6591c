// Two connections, a wire between them and virtual time.
#pragma once

#include <algorithm>
#include <functional>
#include <queue>
#include <random>

#include "l2echo/tcp/listener.hpp"
#include "one_end.hpp"

namespace l2echo::tcp {

/// Both ends open actively at once, or end 0 opens and end 1 listens.
class TwoEnds {
  public:
    /// One end with its application: it sends `to_send`, shuts down, and reads all.
    struct End {
        std::unique_ptr<Connection> connection;
        std::string to_send;
        std::string received;
        std::size_t written = 0;
        Events events;
        bool shuts_down = true;  // when all is written
        bool reads = true;
    };
    /// Drops a segment: its number on the wire, the sender and what it holds.
    using Loss = std::function<bool(std::size_t number, int from, const Sent& segment)>;

    explicit TwoEnds(std::size_t memory = std::size_t{16} << 20) : memory_(memory), arena(memory_) {}
    ~TwoEnds() {
        ends[0].connection.reset();
        ends[1].connection.reset();
        listener.reset();
        EXPECT_EQ(arena.free_bytes(), arena.size());
    }

    void open_both() {
        open_actively(0);
        open_actively(1);
    }
    /// The other end opens when the SYN arrives.
    void open_actively(int end) {
        const Tuple tuple = end == 0 ? test_tuple() : reversed(test_tuple());
        ends[end].connection = std::make_unique<Connection>(
            settings[end], arena, tuple, mtu[end],
            ActiveOpen{Sequence(0xFFFFF000U + 77U * static_cast<unsigned>(end)), TimestampClock(0xFFFFFFF0)},
            now);
    }

    /// Runs until both ends have nothing more to do, or `limit` of virtual time has passed. True: both are
    /// closed.
    bool run(Micros limit) {
        const Micros end_of_time = now + limit;
        while (now <= end_of_time) {
            for (int end : {0, 1})
                work(end);
            const Micros next = next_event();
            if (next == Micros::max())
                break;
            now = std::max(now, next);
            deliver();
            for (int end : {0, 1}) {
                End& at = ends[end];
                if (at.connection && at.connection->deadline() && *at.connection->deadline() <= now)
                    at.events |= at.connection->expire(now);
                check(end);
            }
        }
        return closed(0) && closed(1);
    }
    bool closed(int end) const {
        return ends[end].connection && ends[end].connection->state() == State::Closed;
    }
    static Tuple reversed(const Tuple& tuple) {
        return {tuple.remote, tuple.local, tuple.remote_port, tuple.local_port};
    }

  private:
    struct OnTheWire {
        Micros at;
        std::size_t number;
        int to;
        Sent segment;
        bool operator<(const OnTheWire& other) const {
            return at != other.at ? at > other.at : number > other.number;
        }
    };

    void work(int index) {
        End& end = ends[index];
        if (!end.connection) {
            while (listener) {
                const std::optional<AddressedSegment> again = listener->next_segment(now);
                if (!again)
                    break;
                transmit(index, copy_of(again->segment));
            }
            return;
        }
        Connection& connection = *end.connection;
        if (connection.state() != State::SynSent && connection.state() != State::SynReceived && end.reads) {
            std::string text(connection.readable(), '\0');
            text.resize(connection.read(std::as_writable_bytes(std::span(text))));
            end.received += text;
        }
        if (end.written < end.to_send.size())
            end.written += connection.write(bytes_of(std::string_view(end.to_send).substr(end.written)));
        if (end.written == end.to_send.size() && end.shuts_down)
            connection.shutdown();
        while (auto segment = connection.next_segment(now))
            transmit(index, copy_of(*segment));
        check(index);
    }
    void transmit(int from, Sent segment) {
        const std::size_t number = sent++;
        if (trace)
            trace(number, from, segment);
        if (loss && loss(number, from, segment))
            return;
        Micros at = now + delay;
        if (jitter > Micros(0))
            at += Micros(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(jitter.count())));
        wire_.push({at, number, 1 - from, std::move(segment)});
    }
    void deliver() {
        while (!wire_.empty() && wire_.top().at <= now) {
            const OnTheWire arrived = wire_.top();
            wire_.pop();
            End& end = ends[arrived.to];
            if (!end.connection) {
                accept(arrived.to, arrived.segment);
                continue;
            }
            end.events |=
                end.connection->receive(arrived.segment.header, bytes_of(arrived.segment.payload), now);
            check(arrived.to);
        }
    }
    /// End 1 listens.
    void accept(int index, const Sent& segment) {
        if (!listener)
            listener = std::make_unique<Listener>(settings[index], arena, mtu[index], hash::SipKey{1, 2});
        const Tuple tuple = reversed(test_tuple());
        const Listener::Result result = listener->receive(tuple, segment.header, segment.payload.size(), now);
        if (result.reply)
            transmit(index, copy_of(*result.reply));
        if (!result.open)
            return;
        End& end = ends[index];
        end.connection =
            std::make_unique<Connection>(settings[index], arena, tuple, mtu[index], *result.open, now);
        end.events |= end.connection->receive(segment.header, bytes_of(segment.payload), now);
        EXPECT_TRUE(listener->queue(*end.connection));
        EXPECT_EQ(listener->accept(), end.connection.get());
    }
    Micros next_event() const {
        Micros next = wire_.empty() ? Micros::max() : wire_.top().at;
        for (const End& end : ends)
            if (end.connection)
                next = std::min(next, end.connection->deadline().value_or(Micros::max()));
        if (listener && !ends[1].connection)
            next = std::min(next, listener->deadline().value_or(Micros::max()));
        return next;
    }
    void check(int index) const {
        const End& end = ends[index];
        if (!end.connection)
            return;
        if (const char* broken = end.connection->broken_invariant())
            FAIL() << "does not hold: " << broken;
    }

    std::vector<std::byte> memory_;
    std::priority_queue<OnTheWire> wire_;

  public:
    Settings settings[2];
    fifo::Arena arena;
    std::unique_ptr<Listener> listener;
    std::uint16_t mtu[2] = {1500, 1500};
    End ends[2];
    Micros now = hours(1);
    Micros delay = milliseconds(5);
    Micros jitter{0};
    Loss loss;
    std::function<void(std::size_t, int, const Sent&)> trace;
    std::mt19937_64 random{1};
    std::size_t sent = 0;
};

}  // namespace l2echo::tcp
