// Two hosts on one link of rings: frames in, frames out.

#include <gtest/gtest.h>
#include <rte_eth_ring.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "l2echo/stack/frame_input.hpp"
#include "l2echo/stack/frame_output.hpp"
#include "l2echo/stack/stack.hpp"
#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/icmp.hpp"
#include "ring_wire.hpp"

namespace l2echo::stack {
namespace {

using net::Micros;
using stream::Event;
using namespace std::chrono_literals;

constexpr std::uint16_t kDataRoom = 2176;
constexpr wire::MacAddress kMacs[] = {0x010000000002, 0x020000000002};

wire::IpAddress address(std::uint8_t version, std::uint8_t host) {
    std::array<std::byte, 16> bytes{};
    if (version == 4) {
        bytes = {std::byte{198}, std::byte{51}, std::byte{100}, std::byte{host}};
        return wire::IpAddress::from_ipv4(bytes.data());
    }
    bytes[0] = std::byte{0x20};
    bytes[1] = std::byte{0x01};
    bytes[2] = std::byte{0x0D};
    bytes[3] = std::byte{0xB8};
    bytes[15] = std::byte{host};
    return wire::IpAddress::from_ipv6(bytes.data());
}

net::RouteSettings routes_of(std::uint8_t host) {
    return {.addresses = {{address(4, host), 24}, {address(6, host), 64}},
            .on_link = {},
            .ipv4_gateway = std::nullopt,
            .ipv6_gateway = std::nullopt};
}

/// Echoes streams and datagrams.
class Echo : public stream::Service {
  public:
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   Micros /*now*/) noexcept override {
        if (events.has(Event::Accepted))
            streams.echo(id);
        if (events.has(Event::PeerClosed))
            streams.shut_down(id);
        while (const auto datagram = streams.first_datagram(id)) {
            if (!streams.send(id, datagram->header, datagram->payload))
                break;
            streams.drop(id);
        }
    }
};

/// Sends a text and keeps what comes back.
class Client : public stream::Service {
  public:
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   Micros /*now*/) noexcept override {
        const fifo::Bytes readable = streams.readable(id);
        for (const auto part : {readable.first, readable.second})
            received.append(reinterpret_cast<const char*>(part.data()), part.size());
        streams.consume(id, readable.size());
        sent += streams.write(id, std::as_bytes(std::span(text).subspan(sent)));
        if (sent == text.size())
            streams.shut_down(id);
        has_ended = has_ended || events.has(Event::Ended);
    }
    std::string text;
    std::size_t sent = 0;
    std::string received;
    bool has_ended = false;
};

/// A port with everything above it.
class Host {
  public:
    Host(std::uint8_t number, rte_ring* in, rte_ring* out)
        : pool_(unique_name("frames"), 2047, 0, kDataRoom, SOCKET_ID_ANY),
          clones_(unique_name("clones"), 511, 0, 0, SOCKET_ID_ANY),
          memory_(16U << 20),
          routes(routes_of(number)),
          neighbours({.key = {number, 3}}),
          stack(unique_name("frames"), settings(), memory_, {number, 5}, SOCKET_ID_ANY, Micros(0)) {
        const int port = rte_eth_from_rings(unique_name("link").c_str(), &in, 1, &out, 1, 0);
        EXPECT_GE(port, 0);
        link.port = static_cast<std::uint16_t>(port);
        link.mac = kMacs[number - 1];
        const rte_eth_conf conf{};
        EXPECT_EQ(rte_eth_dev_configure(link.port, 1, 1, &conf), 0);
        EXPECT_EQ(rte_eth_rx_queue_setup(link.port, 0, 512, 0, nullptr, pool_.get()), 0);
        EXPECT_EQ(rte_eth_tx_queue_setup(link.port, 0, 512, 0, nullptr), 0);
        EXPECT_EQ(rte_eth_dev_start(link.port), 0);
        restart();
    }
    ~Host() {
        neighbours.drop_all();
        while (void* const frame = neighbours.take_dropped())
            rte_pktmbuf_free(static_cast<rte_mbuf*>(frame));
        input.reset();
        output.reset();
        EXPECT_EQ(rte_eth_dev_stop(link.port), 0);
        EXPECT_EQ(rte_eth_dev_close(link.port), 0);
    }

    /// After a change of `link`.
    void restart() {
        const net::FragmentPools pools{pool_.get(), clones_.get()};
        input.reset();
        output.emplace(link, pools, routes, neighbours, 1U);
        net::ReassemblySettings reassembly;
        reassembly.held = 64;
        input.emplace(link, routes, neighbours, stack, *output, reassembly, 9, Micros(0));
    }

    void turn(Micros now) {
        stack.begin_turn(now);
        output->begin_turn(now);
        std::array<rte_mbuf*, 32> burst;
        const std::uint16_t count = rte_eth_rx_burst(link.port, 0, burst.data(), burst.size());
        // A NIC writes a frame into one mbuf if it fits; net_ring passes on the sender's.
        for (rte_mbuf* const frame : std::span(burst).first(count))
            if (frame->nb_segs > 1 && frame->pkt_len <= 1518) {
                EXPECT_EQ(rte_pktmbuf_linearize(frame), 0);
            }
        input->receive(std::span(burst).first(count), now, 1s);
        input->expire(now);
        stack.finish_turn(*output);
        output->ask_neighbours();
        output->flush();
        const FrameInputCounts& counts = input->counts();
        EXPECT_EQ(counts.received,
                  counts.delivered + counts.answered + input->held() +
                      std::accumulate(counts.refused.begin(), counts.refused.end(), std::uint64_t{0}));
        EXPECT_EQ(stack.tcp().broken_invariant(), nullptr);
    }

    std::uint64_t refused(Refusal reason) const {
        return input->counts().refused[static_cast<std::size_t>(reason)];
    }
    unsigned mbufs_in_use() const {
        return rte_mempool_in_use_count(pool_.get()) + rte_mempool_in_use_count(clones_.get());
    }
    rte_mbuf* frame(std::size_t length) {
        rte_mbuf* const mbuf = rte_pktmbuf_alloc(pool_.get());
        std::memset(rte_pktmbuf_append(mbuf, static_cast<std::uint16_t>(length)), 0, length);
        return mbuf;
    }

    static StackSettings settings() {
        StackSettings settings;
        settings.tcp.max_connections = 16;
        settings.tcp.max_time_wait = 64;
        settings.tcp.tcp.max_half_open = 16;
        settings.tcp.tcp.max_accept_queue = 16;
        return settings;
    }

  private:
    dpdk::Mempool pool_;
    dpdk::Mempool clones_;
    std::vector<std::byte> memory_;

  public:
    LinkSettings link;
    net::Routes routes;
    net::Neighbours neighbours;
    Stack stack;
    std::optional<FrameOutput> output;
    std::optional<FrameInput> input;
};

class FramesTest : public testing::Test {
  protected:
    FramesTest()
        : rings_{make_ring(), make_ring()},
          client_(std::in_place, 1, rings_[0], rings_[1]),
          server_(std::in_place, 2, rings_[1], rings_[0]) {}
    void TearDown() override {
        drain();
        EXPECT_EQ(rte_ring_count(rings_[0]) + rte_ring_count(rings_[1]), 0u);
        client_->neighbours.drop_all();
        client_->output->ask_neighbours();
        server_->neighbours.drop_all();
        server_->output->ask_neighbours();
        EXPECT_EQ(client_->mbufs_in_use() + server_->mbufs_in_use(), 0u);
        client_.reset();
        server_.reset();
        std::ranges::for_each(rings_, rte_ring_free);
    }
    static rte_ring* make_ring() {
        return rte_ring_create(unique_name("link").c_str(), 512, SOCKET_ID_ANY,
                               RING_F_SP_ENQ | RING_F_SC_DEQ);
    }

    void run(Micros duration, Micros step = 1ms) {
        for (const Micros end = now_ + duration; now_ < end; now_ += step) {
            client_->turn(now_);
            server_->turn(now_);
        }
    }
    void drain() { run(10ms); }

    tcp::Tuple tuple(std::uint8_t version, std::uint16_t local, std::uint16_t remote) const {
        return {address(version, 1), address(version, 2), local, remote};
    }
    /// Frames that the client has received, as the link carried them: the client does not see them.
    std::vector<std::vector<std::byte>> take_from_server() {
        std::vector<std::vector<std::byte>> frames;
        void* entry = nullptr;
        while (rte_ring_dequeue(rings_[0], &entry) == 0) {
            auto* const mbuf = static_cast<rte_mbuf*>(entry);
            std::vector<std::byte> bytes(mbuf->pkt_len);
            const void* const at = rte_pktmbuf_read(mbuf, 0, mbuf->pkt_len, bytes.data());
            if (at != bytes.data())
                std::memcpy(bytes.data(), at, bytes.size());
            frames.push_back(std::move(bytes));
            rte_pktmbuf_free(mbuf);
        }
        return frames;
    }

    /// An ICMP echo request of `length` bytes from the client, split if it must be.
    void ping(std::uint8_t version, std::size_t length) {
        const std::uint32_t header = version == 4 ? wire::kIpv4HeaderLength : wire::kIpv6HeaderLength;
        const std::uint16_t link_length = client_->output->link_length();
        std::vector<std::byte> packet(header + wire::kIcmpHeaderLength + length);
        const std::span message = std::span(packet).subspan(header);
        for (std::size_t i = 0; i < length; ++i)
            message[wire::kIcmpHeaderLength + i] = static_cast<std::byte>(i * 7);
        wire::write_header(
            wire::IcmpHeader{.type = version == 4 ? wire::icmpv4::kEchoRequest : wire::icmpv6::kEchoRequest,
                             .code = 0,
                             .rest = wire::IcmpHeader::echo(7, 9)},
            message.data());
        wire::store_icmp_checksum(address(version, 1), address(version, 2), message);
        if (version == 4) {
            wire::Ipv4Header ip;
            ip.source = address(4, 1);
            ip.destination = address(4, 2);
            ip.total_length = static_cast<std::uint32_t>(packet.size());
            ip.protocol = 1;
            wire::write_header(ip, packet.data());
        } else {
            wire::Ipv6Header ip;
            ip.source = address(6, 1);
            ip.destination = address(6, 2);
            ip.total_length = static_cast<std::uint32_t>(packet.size());
            ip.protocol = 58;
            wire::write_header(ip, packet.data());
        }
        // A chain, as a long packet needs.
        rte_mbuf* head = nullptr;
        for (std::size_t at = 0; at < packet.size();) {
            const std::size_t part = std::min<std::size_t>(1800, packet.size() - at);
            rte_mbuf* const mbuf = client_->frame((at == 0 ? link_length : 0) + part);
            std::memcpy(rte_pktmbuf_mtod_offset(mbuf, std::byte*, at == 0 ? link_length : 0),
                        packet.data() + at, part);
            at += part;
            if (head == nullptr)
                head = mbuf;
            else
                EXPECT_EQ(rte_pktmbuf_chain(head, mbuf), 0);
        }
        client_->output->begin_turn(now_);
        client_->output->send_packet(address(version, 2), head);
        client_->output->flush();
    }

    std::array<rte_ring*, 2> rings_;
    std::optional<Host> client_;
    std::optional<Host> server_;
    Echo echo_;
    Client talker_;
    Micros now_{1'000'000};
};

class FramesOfBothVersions : public FramesTest, public testing::WithParamInterface<std::uint8_t> {};
INSTANTIATE_TEST_SUITE_P(Ip, FramesOfBothVersions, testing::Values(std::uint8_t{4}, std::uint8_t{6}),
                         [](const auto& tested) { return "Version" + std::to_string(tested.param); });

TEST_P(FramesOfBothVersions, CarryAConnectionWhoseNeighboursAreUnknownAtFirst) {
    ASSERT_TRUE(server_->stack.tcp().listen({{}, 7}, echo_));
    talker_.text.assign(200'000, 'x');
    for (std::size_t i = 0; i < talker_.text.size(); ++i)
        talker_.text[i] = static_cast<char>('a' + i % 23);
    ASSERT_TRUE(client_->stack.tcp().connect(tuple(GetParam(), 10'000, 7), talker_, now_));
    run(2s, 100us);
    EXPECT_TRUE(talker_.has_ended);
    EXPECT_EQ(talker_.received, talker_.text);
    EXPECT_EQ(client_->neighbours.state_of(address(GetParam(), 2), now_), net::NeighbourState::Reachable);
    EXPECT_EQ(client_->neighbours.counts().requests, 1u);
    EXPECT_EQ(server_->neighbours.counts().requests, 0u) << "it learned from the request";
    EXPECT_EQ(server_->input->counts().answered, 1u);
    EXPECT_EQ(server_->output->counts().unreachable + client_->output->counts().unreachable, 0u);
}

TEST_P(FramesOfBothVersions, EchoDatagramsLargerThanTheMtu) {
    const auto server = server_->stack.udp().bind({{}, 7}, echo_);
    ASSERT_TRUE(server);
    Client sink;
    const auto id = client_->stack.udp().bind({address(GetParam(), 1), 4000}, sink);
    ASSERT_TRUE(id);
    constexpr std::array<std::uint16_t, 4> kLengths{0, 1400, 4001, 9000};
    for (const std::uint16_t length : kLengths) {
        std::string text(length, 'u');
        std::iota(text.begin(), text.end(), '!');
        const stream::DatagramHeader header{.peer = {address(GetParam(), 2), 7},
                                            .local = address(GetParam(), 1),
                                            .length = length,
                                            .hop_limit = 9};
        ASSERT_TRUE(client_->stack.send(*id, header, {std::as_bytes(std::span(text)), {}}));
        run(20ms);
        const auto datagram = client_->stack.first_datagram(*id);
        ASSERT_TRUE(datagram) << length;
        EXPECT_EQ(datagram->header.length, length);
        EXPECT_EQ(datagram->header.received_at, 1s);
        EXPECT_EQ(datagram->header.hop_limit, 9) << "the echo keeps what it got";
        std::string echoed;
        for (const auto part : {datagram->payload.first, datagram->payload.second})
            echoed.append(reinterpret_cast<const char*>(part.data()), part.size());
        EXPECT_EQ(echoed, text);
        client_->stack.drop(*id);
    }
    EXPECT_EQ(client_->output->counts().no_mbuf + server_->output->counts().no_mbuf, 0u);
}

TEST_P(FramesOfBothVersions, AnswerPingAlsoInFragments) {
    for (const std::size_t length : {0, 56, 1400, 4000, 9000}) {
        ping(GetParam(), length);
        run(20ms);
    }
    // ARP or neighbour discovery, three pings of one packet, and two of several.
    const std::uint64_t fragments = 3 + 7;
    EXPECT_EQ(server_->input->counts().answered, 1 + 3 + fragments);
    EXPECT_EQ(server_->input->reassembly().joined, fragments);
    // The client takes the replies for messages that it did not ask for, whole and with the right checksum.
    EXPECT_EQ(client_->refused(Refusal::Message), 3 + fragments);
}

TEST_P(FramesOfBothVersions, ToAClosedPortAreAnsweredByAResetOrAnError) {
    ASSERT_TRUE(client_->stack.tcp().connect(tuple(GetParam(), 10'000, 81), talker_, now_));
    Client sink;
    const auto id = client_->stack.udp().bind({{}, 4000}, sink);
    ASSERT_TRUE(id);
    const stream::DatagramHeader header{
        .peer = {address(GetParam(), 2), 81}, .local = address(GetParam(), 1), .length = 4};
    ASSERT_TRUE(client_->stack.send(*id, header, {std::as_bytes(std::span("text", 4)), {}}));
    run(20ms);
    EXPECT_TRUE(talker_.has_ended);
    EXPECT_EQ(server_->refused(Refusal::NoListener), 1u);
    EXPECT_EQ(server_->refused(Refusal::NoEndpoint), 1u);
    EXPECT_EQ(server_->input->counts().errors_sent, 1u);
    EXPECT_EQ(client_->input->counts().delivered, 3u) << "advertisement, RST and error";
}

TEST_P(FramesOfBothVersions, ForASilentNeighbourAreGivenUp) {
    tcp::Tuple nobody = tuple(GetParam(), 10'000, 7);
    nobody.remote = address(GetParam(), 99);
    ASSERT_TRUE(client_->stack.tcp().connect(nobody, talker_, now_));
    run(5s, 10ms);
    EXPECT_GE(client_->output->counts().unreachable, 1u);
    EXPECT_EQ(client_->neighbours.state_of(nobody.remote, now_), net::NeighbourState::Unreachable);
    client_->stack.reset({0, 0});
}

TEST_F(FramesTest, InAVlanHaveItsTag) {
    client_->link.vlan = server_->link.vlan = 100;
    client_->restart();
    server_->restart();
    ASSERT_TRUE(server_->stack.tcp().listen({{}, 7}, echo_));
    talker_.text = "tagged";
    ASSERT_TRUE(client_->stack.tcp().connect(tuple(4, 10'000, 7), talker_, now_));
    client_->turn(now_);
    server_->turn(now_);
    const auto frames = take_from_server();
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(wire::load_be16(frames[0].data() + 12), 0x8100);
    EXPECT_EQ(wire::load_be16(frames[0].data() + 14), 100);
    run(3s);
    EXPECT_EQ(talker_.received, "tagged");
    client_->link.vlan = 101;
    client_->restart();
    ping(4, 10);
    run(10ms);
    EXPECT_GE(server_->refused(Refusal::Vlan), 1u);
    client_->link.vlan.reset();
    client_->restart();
    ping(4, 10);
    run(10ms);
    EXPECT_GE(server_->refused(Refusal::Vlan), 2u);
}

TEST_F(FramesTest, ThatAreNotForUsAreRefusedByReason) {
    ping(4, 10);
    run(10ms);
    const auto send_changed = [&](auto&& change) {
        ping(4, 10);
        void* entry = nullptr;
        ASSERT_EQ(rte_ring_dequeue(rings_[1], &entry), 0);
        auto* const mbuf = static_cast<rte_mbuf*>(entry);
        change(rte_pktmbuf_mtod(mbuf, std::byte*), *mbuf);
        ASSERT_EQ(rte_ring_enqueue(rings_[1], mbuf), 0);
        run(2ms);
    };
    send_changed([](std::byte* at, rte_mbuf&) { at[5] = std::byte{9}; });
    EXPECT_EQ(server_->refused(Refusal::ForeignMac), 1u);
    // RFC 1122 3.3.6: a unicast packet in a broadcast frame is not answered.
    send_changed([](std::byte* at, rte_mbuf&) { std::memset(at, 0xFF, 6); });
    EXPECT_EQ(server_->refused(Refusal::Message), 1u);
    send_changed([](std::byte* at, rte_mbuf&) { at[12] = std::byte{9}; });
    EXPECT_EQ(server_->refused(Refusal::EtherType), 1u);
    send_changed([](std::byte* at, rte_mbuf&) { at[14 + 10] ^= std::byte{1}; });
    send_changed([](std::byte*, rte_mbuf& mbuf) { rte_pktmbuf_trim(&mbuf, 20); });
    send_changed([](std::byte*, rte_mbuf& mbuf) { rte_pktmbuf_trim(&mbuf, mbuf.data_len - 3); });
    EXPECT_EQ(server_->refused(Refusal::Malformed), 3u);
    send_changed([](std::byte* at, rte_mbuf&) { at[14 + 20 + 8] ^= std::byte{1}; });
    EXPECT_EQ(server_->refused(Refusal::Checksum), 1u);
    const auto rewrite = [](std::byte* at, auto&& change) {
        wire::Ipv4Header header;
        ASSERT_TRUE(wire::read_header({at + 14, 38}, header));
        change(header);
        wire::write_header(header, at + 14);
    };
    send_changed([&](std::byte* at, rte_mbuf&) {
        rewrite(at, [](wire::Ipv4Header& header) { header.destination = address(4, 77); });
    });
    EXPECT_EQ(server_->refused(Refusal::ForeignAddress), 1u);
    send_changed([&](std::byte* at, rte_mbuf&) {
        rewrite(at, [](wire::Ipv4Header& header) { header.source = address(4, 255); });
    });
    EXPECT_EQ(server_->refused(Refusal::Source), 1u);
    send_changed([&](std::byte* at, rte_mbuf&) {
        rewrite(at, [](wire::Ipv4Header& header) { header.protocol = 132; });
    });
    EXPECT_EQ(server_->refused(Refusal::Protocol), 1u);
    EXPECT_EQ(server_->input->counts().errors_sent, 1u);
    send_changed([&](std::byte* at, rte_mbuf&) {
        rewrite(at, [](wire::Ipv4Header& header) { header.more_fragments = true; });
    });
    EXPECT_EQ(server_->refused(Refusal::Fragment), 1u) << "not a multiple of 8 bytes";
}

TEST_F(FramesTest, AreReceivedWhileTheDeviceTakesNone) {
    ASSERT_TRUE(server_->stack.tcp().listen({{}, 7}, echo_));
    talker_.text.assign(100'000, 'z');
    ASSERT_TRUE(client_->stack.tcp().connect(tuple(4, 10'000, 7), talker_, now_));
    run(20ms);
    // The ring to the client is full of frames that nobody takes.
    std::vector<rte_mbuf*> obstacles;
    while (rte_ring_free_count(rings_[0]) > 0) {
        obstacles.push_back(server_->frame(60));
        ASSERT_EQ(rte_ring_enqueue(rings_[0], obstacles.back()), 0);
    }
    const std::uint64_t before = server_->input->counts().received;
    for (int i = 0; i < 50; ++i) {
        ping(4, 20);
        server_->turn(now_ += 1ms);
    }
    EXPECT_GE(server_->input->counts().received, before + 50);
    EXPECT_EQ(server_->output->waiting(), 32u);
    (void)take_from_server();
    run(5s);
    EXPECT_EQ(talker_.received.size(), talker_.text.size());
    EXPECT_TRUE(talker_.has_ended);
}

TEST_F(FramesTest, GratuitousArpChangesOnlyWhatIsKnown) {
    ping(4, 10);
    run(10ms);
    const auto arp = [&](const wire::ArpPacket& packet) {
        client_->output->begin_turn(now_);
        std::array<std::byte, wire::kArpLength> bytes;
        wire::write_header(packet, bytes.data());
        client_->output->send_payload(wire::kBroadcastMac, wire::kEtherTypeArp, bytes);
        client_->output->flush();
        run(2ms);
    };
    constexpr wire::MacAddress kOther = 0x0A0000000002;
    const auto mac_of = [&](std::uint8_t host) {
        return server_->neighbours.resolve(address(4, host), now_).mac;
    };
    arp({.operation = wire::ArpOperation::Request,
         .sender_mac = kOther,
         .sender = address(4, 1),
         .target_mac = 0,
         .target = address(4, 1)});
    EXPECT_EQ(mac_of(1), kOther);
    EXPECT_FALSE(server_->neighbours.state_of(address(4, 50), now_));
    arp({.operation = wire::ArpOperation::Reply,
         .sender_mac = kOther,
         .sender = address(4, 50),
         .target_mac = kMacs[1],
         .target = address(4, 2)});
    EXPECT_FALSE(server_->neighbours.state_of(address(4, 50), now_)) << "nobody asked";
    arp({.operation = wire::ArpOperation::Request,
         .sender_mac = kOther,
         .sender = address(4, 255),
         .target_mac = 0,
         .target = address(4, 2)});
    EXPECT_EQ(server_->refused(Refusal::Source), 1u);
    const std::uint64_t answered = server_->input->counts().answered;
    arp({.operation = wire::ArpOperation::Request,
         .sender_mac = wire::kBroadcastMac,
         .sender = {.bytes = {}, .version = 4},
         .target_mac = 0,
         .target = address(4, 2)});
    EXPECT_EQ(server_->refused(Refusal::Source), 2u);
    EXPECT_EQ(server_->input->counts().answered, answered) << "nothing is sent to a group";
}

}  // namespace
}  // namespace l2echo::stack
