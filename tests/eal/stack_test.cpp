// Two stacks, each with services of its own, over a wire in memory that loses, repeats and reorders.

#include "l2echo/stack/stack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ring_wire.hpp"

namespace l2echo::stack {
namespace {

using stream::Event;
using stream::Events;
using stream::StreamId;
using stream::Streams;
using tcp::Micros;
using namespace std::chrono_literals;

constexpr std::uint16_t kEchoPort = 7;
constexpr std::uint16_t kSinkPort = 9;
constexpr std::size_t kRoom = 8;  // packets that an output takes per turn

wire::IpAddress address(std::uint8_t host) {
    const std::array<std::byte, 4> bytes{std::byte{198}, std::byte{51}, std::byte{100}, std::byte{host}};
    return wire::IpAddress::from_ipv4(bytes.data());
}

std::vector<std::byte> bytes_of(const fifo::Bytes& parts) {
    std::vector<std::byte> all(parts.first.begin(), parts.first.end());
    all.insert(all.end(), parts.second.begin(), parts.second.end());
    return all;
}

struct Packet {
    bool is_tcp = true;
    tcp::Tuple tuple{};  // as the sender sees it
    wire::TcpHeader header{};
    stream::DatagramHeader datagram{};
    std::uint16_t local_port = 0;
    std::vector<std::byte> payload{};
};

/// What a stack sends, up to kRoom packets a turn.
class Collected {
  public:
    bool has_room() const noexcept { return packets.size() < kRoom; }
    void send(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) {
        EXPECT_TRUE(has_room());
        packets.push_back(
            {.tuple = tuple, .header = segment.header, .payload = bytes_of({segment.first, segment.second})});
    }
    void send(std::uint16_t local_port, const stream::DatagramHeader& header, const fifo::Bytes& bytes) {
        EXPECT_TRUE(has_room());
        packets.push_back(
            {.is_tcp = false, .datagram = header, .local_port = local_port, .payload = bytes_of(bytes)});
    }
    std::vector<Packet> packets{};
};

/// One stack and its memory.
class Host {
  public:
    Host(std::uint8_t number, const StackSettings& settings)
        : address_(address(number)),
          memory_(32U << 20),
          stack(unique_name("stack"), settings, memory_, {number, 77}, SOCKET_ID_ANY, Micros(0)) {}

    wire::IpAddress address_;
    std::vector<std::byte> memory_;
    Stack stack;
    Collected output{};
};

class Echo : public stream::Service {
  public:
    void on_events(Streams& streams, StreamId id, Events events, Micros /*now*/) noexcept override {
        if (events.has(Event::Accepted)) {
            ++accepted;
            EXPECT_TRUE(streams.echo(id));
        }
        if (events.has(Event::PeerClosed))
            streams.shut_down(id);
        ended += events.has(Event::Ended) ? 1 : 0;
        while (const auto datagram = streams.first_datagram(id)) {
            if (!streams.send(id, datagram->header, datagram->payload))
                break;
            streams.drop(id);
        }
    }
    unsigned accepted = 0;
    unsigned ended = 0;
};

/// Accepts connections, and reads nothing.
class Sleeper : public stream::Service {
  public:
    void on_events(Streams& streams, StreamId id, Events events, Micros /*now*/) noexcept override {
        seen |= events;
        last = id;
        if (events.has(Event::Accepted))
            peer = streams.peer(id);
    }
    Events seen{};
    StreamId last{};
    stream::Endpoint peer{};
};

/// Sends a text of its own on each connection, and compares what comes back.
class Client : public stream::Service {
  public:
    struct Talk {
        std::string text;
        std::size_t sent = 0;
        std::string received{};
        bool is_over = false;
    };

    void on_events(Streams& streams, StreamId id, Events events, Micros /*now*/) noexcept override {
        Talk& talk = talks[id.index];
        EXPECT_FALSE(talk.is_over) << "an event after the last";
        const fifo::Bytes readable = streams.readable(id);
        for (const auto part : {readable.first, readable.second})
            talk.received.append(reinterpret_cast<const char*>(part.data()), part.size());
        streams.consume(id, readable.size());
        if (talk.sent < talk.text.size()) {
            talk.sent += streams.write(id, std::as_bytes(std::span(talk.text).subspan(talk.sent)));
            if (talk.sent == talk.text.size())
                streams.shut_down(id);
        }
        talk.is_over = events.has(Event::Ended);
    }

    std::map<std::uint32_t, Talk> talks;
};

class StackTest : public testing::Test {
  protected:
    static StackSettings settings() {
        StackSettings settings;
        settings.tcp.max_connections = 64;
        settings.tcp.max_time_wait = 256;
        settings.tcp.tcp.max_half_open = 16;
        settings.tcp.tcp.max_accept_queue = 16;
        return settings;
    }

    void listen() {
        ASSERT_TRUE(server_.stack.tcp().listen({{}, kEchoPort}, echo_));
        ASSERT_TRUE(server_.stack.tcp().listen({server_.address_, kSinkPort}, sleeper_));
    }

    tcp::Tuple tuple(std::uint16_t port, std::uint16_t server_port = kEchoPort) const {
        return {client_.address_, server_.address_, port, server_port};
    }

    void talk(std::uint16_t port, std::string text) {
        const auto id = client_.stack.tcp().connect(tuple(port), talker_, now_);
        ASSERT_TRUE(id);
        talker_.talks[id->index] = {.text = std::move(text)};
    }

    void turn(Host& host, Host& peer, std::deque<std::pair<Micros, Packet>>& wire) {
        host.stack.begin_turn(now_);
        std::vector<Packet> arrived;
        while (!wire.empty() && wire.front().first <= now_) {
            arrived.push_back(std::move(wire.front().second));
            wire.pop_front();
        }
        std::vector<IncomingSegment> segments;
        for (const Packet& packet : arrived) {
            if (packet.is_tcp) {
                segments.push_back({{packet.tuple.remote, packet.tuple.local, packet.tuple.remote_port,
                                     packet.tuple.local_port},
                                    packet.header,
                                    packet.payload});
            } else {
                stream::DatagramHeader header = packet.datagram;
                header.peer = {packet.datagram.local, packet.local_port};
                header.local = packet.datagram.peer.address;
                (void)host.stack.udp().receive({header, packet.datagram.peer.port, packet.payload});
            }
        }
        std::vector<TcpOutcome> outcomes(segments.size());
        host.stack.tcp().receive(segments, outcomes, host.output, now_);
        for (const TcpOutcome outcome : outcomes)
            ++outcomes_[outcome];
        host.stack.finish_turn(host.output);
        EXPECT_EQ(host.stack.tcp().broken_invariant(), nullptr);
        auto& to = &peer == &server_ ? to_server_ : to_client_;
        for (Packet& packet : host.output.packets) {
            if (chance_(loss_))
                continue;
            const Micros at = now_ + 50us + (chance_(reorder_) ? 300us : 0us);
            const auto place =
                std::ranges::upper_bound(to, at, {}, [](const auto& entry) { return entry.first; });
            const auto inserted = to.insert(place, {at, packet});
            if (chance_(repeat_))
                to.insert(inserted, {at, std::move(packet)});
        }
        host.output.packets.clear();
    }

    void run(Micros duration) {
        for (const Micros end = now_ + duration; now_ < end; now_ += step_) {
            turn(client_, server_, to_client_);
            turn(server_, client_, to_server_);
        }
    }

    class Chance {
      public:
        bool operator()(double probability) { return std::bernoulli_distribution(probability)(random_); }

      private:
        std::mt19937 random_{1};
    };

    Echo echo_;
    Sleeper sleeper_;
    Client talker_;
    Host client_{1, settings()};
    Host server_{2, settings()};
    std::deque<std::pair<Micros, Packet>> to_client_;
    std::deque<std::pair<Micros, Packet>> to_server_;
    std::map<TcpOutcome, unsigned> outcomes_;
    Chance chance_;
    double loss_ = 0;
    double repeat_ = 0;
    double reorder_ = 0;
    Micros step_ = 100us;
    Micros now_{0};
};

std::string text_of(std::size_t length, unsigned seed) {
    std::string text(length, ' ');
    std::ranges::generate(text,
                          [seed]() mutable { return static_cast<char>('a' + (seed = seed * 5 + 3) % 26); });
    return text;
}

TEST_F(StackTest, ManyConnectionsEchoOverAWireThatLosesRepeatsAndReorders) {
    loss_ = 0.02;
    repeat_ = 0.02;
    reorder_ = 0.05;
    listen();
    for (std::uint16_t i = 0; i < 40; ++i)
        talk(static_cast<std::uint16_t>(10'000 + i), text_of(1 + 997U * i, i));
    run(20s);
    for (const auto& [index, talk] : talker_.talks) {
        EXPECT_TRUE(talk.is_over) << index;
        EXPECT_EQ(talk.received, talk.text) << index;
    }
    EXPECT_EQ(echo_.accepted, 40u);
    EXPECT_EQ(echo_.ended, 40u);
    EXPECT_EQ(server_.stack.tcp().counts().connections, 0u);
    EXPECT_EQ(client_.stack.tcp().counts().connections, 0u);
    EXPECT_EQ(client_.stack.tcp().counts().time_wait, 40u) << "it closed first";
    EXPECT_EQ(client_.stack.arena().free_bytes(), client_.stack.arena().size());
    step_ = 10ms;
    run(70s);
    EXPECT_EQ(client_.stack.tcp().counts().time_wait, 0u);
}

TEST_F(StackTest, SegmentsThatFollowTheHandshakeInOneBurstReachTheConnection) {
    listen();
    step_ = 500us;  // the ACK and the bytes after it arrive together
    talk(10'000, text_of(5000, 1));
    run(5s);
    EXPECT_EQ(talker_.talks.begin()->second.received, text_of(5000, 1));
}

TEST_F(StackTest, PortWithoutAListenerIsAnsweredByALimitedNumberOfResets) {
    for (std::uint16_t i = 0; i < 50; ++i) {
        const auto id =
            client_.stack.tcp().connect(tuple(static_cast<std::uint16_t>(20'000 + i), 81), talker_, now_);
        ASSERT_TRUE(id);
    }
    run(100ms);
    EXPECT_EQ(server_.stack.tcp().counts().resets_sent, 50u);
    EXPECT_EQ(client_.stack.tcp().counts().connections, 0u);
    for (const auto& [index, talk] : talker_.talks)
        EXPECT_TRUE(talk.is_over) << index;

    stream::TokenBucket bucket(3);
    unsigned admitted = 0;
    for (int i = 0; i < 100; ++i)
        admitted += bucket.take(5s) ? 1 : 0;
    EXPECT_EQ(admitted, 3u);
    EXPECT_FALSE(bucket.take(5s + 333'333us));
    EXPECT_TRUE(bucket.take(5s + 333'334us));
}

TEST_F(StackTest, ListenerOfAnAddressComesBeforeThatOfAnyAddress) {
    listen();
    Sleeper other;
    EXPECT_TRUE(server_.stack.tcp().listen({server_.address_, kEchoPort}, other));
    EXPECT_FALSE(server_.stack.tcp().listen({server_.address_, kEchoPort}, other));
    ASSERT_TRUE(client_.stack.tcp().connect(tuple(10'000), talker_, now_));
    run(10ms);
    EXPECT_TRUE(other.seen.has(Event::Accepted));
    EXPECT_EQ(other.peer, (stream::Endpoint{client_.address_, 10'000}));
    EXPECT_EQ(echo_.accepted, 0u);
}

TEST_F(StackTest, TooManyConnectionsAreRefusedUntilOneEnds) {
    listen();
    std::vector<StreamId> ids;
    for (std::uint16_t i = 0; i < 64; ++i)
        ids.push_back(*client_.stack.tcp().connect(tuple(static_cast<std::uint16_t>(10'000 + i), kSinkPort),
                                                   talker_, now_));
    EXPECT_FALSE(client_.stack.tcp().connect(tuple(30'000), talker_, now_)) << "no place";
    run(3s);
    EXPECT_EQ(server_.stack.tcp().counts().connections, 64u);
    client_.stack.reset(ids[0]);
    run(10ms);
    const auto id = client_.stack.tcp().connect(tuple(30'000), talker_, now_);
    ASSERT_TRUE(id);
    EXPECT_EQ(id->index, ids[0].index);
    EXPECT_NE(id->generation, ids[0].generation);
    client_.stack.reset(ids[0]);
    EXPECT_EQ(client_.stack.write(ids[0], std::as_bytes(std::span("late", 4))), 0u) << "the id is stale";
    talker_.talks[id->index] = {.text = "hello"};
    run(3s);
    EXPECT_EQ(talker_.talks[id->index].received, "hello");
}

TEST_F(StackTest, BytesThatArrivedBeforeTheEndCanBeReadBeforeTheLastEvent) {
    listen();
    const auto id = client_.stack.tcp().connect(tuple(10'000, kSinkPort), talker_, now_);
    ASSERT_TRUE(id);
    talker_.talks[id->index] = {.text = "unread"};
    run(1s);
    EXPECT_TRUE(sleeper_.seen.has(Event::PeerClosed));
    server_.stack.shut_down(sleeper_.last);
    run(1s);
    EXPECT_FALSE(sleeper_.seen.has(Event::Ended));
    EXPECT_EQ(bytes_of(server_.stack.readable(sleeper_.last)).size(), 6u);
    server_.stack.consume(sleeper_.last, 100);
    run(1ms);
    EXPECT_TRUE(sleeper_.seen.has(Event::Ended));
    EXPECT_EQ(server_.stack.tcp().counts().connections, 0u);
}

TEST_F(StackTest, SynFloodTakesNoPlaces) {
    listen();
    const std::size_t free = server_.stack.arena().free_bytes();
    std::vector<IncomingSegment> flood;
    for (std::uint16_t i = 0; i < 10'000; ++i) {
        IncomingSegment syn{};
        syn.tuple = {server_.address_, address(static_cast<std::uint8_t>(3 + i % 200)), kEchoPort,
                     static_cast<std::uint16_t>(1024 + i)};
        syn.header.flags.syn = true;
        syn.header.sequence = i;
        syn.header.window = 1000;
        flood.push_back(syn);
    }
    std::vector<TcpOutcome> outcomes(flood.size());
    for (std::size_t i = 0; i < flood.size(); i += 32) {
        server_.output.packets.clear();
        const std::size_t count = std::min<std::size_t>(32, flood.size() - i);
        server_.stack.tcp().receive(std::span(flood).subspan(i, count), outcomes, server_.output, now_);
    }
    server_.output.packets.clear();
    EXPECT_EQ(server_.stack.tcp().counts().connections, 0u);
    EXPECT_EQ(server_.stack.arena().free_bytes(), free);
    talk(10'000, "still answers");
    run(3s);
    EXPECT_EQ(talker_.talks.begin()->second.received, "still answers");
}

// An echo that finds its send FIFO full keeps the datagram, and continues when there is space.
TEST_F(StackTest, UdpServiceThatWasRefusedForSpaceLearnsOfIt) {
    const auto id = server_.stack.udp().bind({{}, kEchoPort}, echo_);
    ASSERT_TRUE(id);
    const std::string text = text_of(1400, 5);
    const stream::DatagramHeader header{
        .peer = {client_.address_, 4000}, .local = server_.address_, .length = 1400};
    const fifo::Bytes bytes{std::as_bytes(std::span(text)), {}};
    while (server_.stack.send(*id, header, bytes))
        continue;
    const IncomingDatagram arrived{
        .header = header, .local_port = kEchoPort, .payload = std::as_bytes(std::span(text))};
    ASSERT_EQ(server_.stack.udp().receive(arrived), UdpOutcome::Delivered);
    run(100ms);
    EXPECT_FALSE(server_.stack.first_datagram(*id)) << "it was echoed";
}

TEST_F(StackTest, UdpEchoesDatagramsAndDropsWhatDoesNotFit) {
    ASSERT_TRUE(server_.stack.udp().bind({{}, kEchoPort}, echo_));
    EXPECT_FALSE(server_.stack.udp().bind({{}, kEchoPort}, echo_));
    Sleeper receiver;
    const auto id = client_.stack.udp().bind({client_.address_, 4000}, receiver);
    ASSERT_TRUE(id);
    const std::string text = text_of(1400, 5);
    const stream::DatagramHeader header{
        .peer = {server_.address_, kEchoPort}, .local = client_.address_, .length = 1400};
    unsigned sent = 0;
    while (client_.stack.send(*id, header, {std::as_bytes(std::span(text)), {}}))
        ++sent;
    EXPECT_GT(sent, 150u);
    EXPECT_LT(sent, 190u);
    run(100ms);
    unsigned received = 0;
    while (const auto datagram = client_.stack.first_datagram(*id)) {
        EXPECT_EQ(datagram->header.peer, header.peer);
        const auto payload = bytes_of(datagram->payload);
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(payload.data()), payload.size()), text);
        client_.stack.drop(*id);
        ++received;
    }
    EXPECT_EQ(received, sent);
    const IncomingDatagram unknown{.header = {.peer = header.peer, .local = client_.address_},
                                   .local_port = 1};
    EXPECT_EQ(client_.stack.udp().receive(unknown), UdpOutcome::NoEndpoint);
    const IncomingDatagram more{.header = {.peer = header.peer, .local = client_.address_, .length = 1400},
                                .local_port = 4000,
                                .payload = std::as_bytes(std::span(text))};
    while (client_.stack.udp().receive(more) == UdpOutcome::Delivered)
        continue;
    EXPECT_EQ(client_.stack.udp().no_space(), 1u);
    EXPECT_FALSE(client_.stack.send({id->index + 1, 0}, header, {std::as_bytes(std::span(text)), {}}));
}

}  // namespace
}  // namespace l2echo::stack
