#include "service/datapath/udp_services.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "fake_streams.hpp"

namespace l2echo::service {
namespace {

using stream::Event;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""s;

constexpr stream::StreamId kEndpoint{9, 0};
constexpr std::uint16_t kOwnPort = 4000;
constexpr std::array<std::uint16_t, 2> kOwnPorts{7, kOwnPort};

wire::IpAddress address(std::uint8_t host) {
    const std::array<std::byte, 4> bytes{std::byte{198}, std::byte{51}, std::byte{100}, std::byte{host}};
    return wire::IpAddress::from_ipv4(bytes.data());
}

std::pair<stream::DatagramHeader, std::string> datagram(std::uint8_t host, std::uint16_t port,
                                                        std::string text) {
    const stream::DatagramHeader header{.peer = {address(host), port},
                                        .local = address(1),
                                        .length = static_cast<std::uint16_t>(text.size()),
                                        .hop_limit = 3,
                                        .traffic_class = 0xB8};
    return {header, std::move(text)};
}

class UdpEchoTest : public testing::Test {
  protected:
    void receive(std::uint8_t host, std::uint16_t port, std::chrono::microseconds now = 0us) {
        streams_.datagrams.push_back(datagram(host, port, "text"));
        service_.on_events(streams_, kEndpoint, Event::Readable, now);
    }

    FakeStreams streams_{};
    UdpGuard guard_{{.own_ports = kOwnPorts, .answers_per_second = 2, .key = {1, 2}}};
    UdpEcho service_{guard_};
};

TEST_F(UdpEchoTest, AnswersFromTheAddressThatThePeerUsed) {
    receive(2, 5000);
    ASSERT_EQ(streams_.sent.size(), 1);
    const auto& [header, payload] = streams_.sent[0];
    EXPECT_EQ(header.peer, (stream::Endpoint{address(2), 5000}));
    EXPECT_EQ(header.local, address(1));
    EXPECT_EQ(payload, "text");
    EXPECT_EQ(header.hop_limit, 0) << "the default, and not what is left of the peer's";
    EXPECT_EQ(service_.counters().answered, 1);
    EXPECT_TRUE(streams_.datagrams.empty());
}

TEST_F(UdpEchoTest, RefusesPortsOfServices) {
    for (const std::uint16_t port : {0, 7, 1023, int{kOwnPort}})
        receive(2, port);
    EXPECT_TRUE(streams_.sent.empty());
    EXPECT_EQ(service_.counters().refused_port, 4);
    receive(2, 1024);
    EXPECT_EQ(streams_.sent.size(), 1);
}

TEST_F(UdpEchoTest, AnswersAnyPortIfAllowed) {
    UdpGuard guard({.own_ports = kOwnPorts, .allow_any_source = true});
    UdpEcho service(guard);
    for (const std::uint16_t port : {7, int{kOwnPort}})
        streams_.datagrams.push_back(datagram(2, port, "text"));
    service.on_events(streams_, kEndpoint, Event::Readable, 0us);
    EXPECT_EQ(streams_.sent.size(), 2);
}

TEST_F(UdpEchoTest, LimitsAnswersPerSource) {
    for (int i = 0; i < 5; ++i)
        receive(2, 5000);
    EXPECT_EQ(streams_.sent.size(), 2);
    receive(3, 5000);
    EXPECT_EQ(streams_.sent.size(), 3) << "the limit is of one source";
    EXPECT_EQ(service_.counters().refused_rate, 3);
    receive(2, 5001, 1s);
    EXPECT_EQ(streams_.sent.size(), 4);
    EXPECT_EQ(service_.counters().received, service_.counters().answered + service_.counters().refused());
}

TEST_F(UdpEchoTest, WaitsForSpaceWithoutAskingTheLimitAgain) {
    streams_.datagram_space = 0;
    receive(2, 5000);
    receive(2, 5000);
    EXPECT_EQ(streams_.datagrams.size(), 2);
    EXPECT_EQ(service_.counters().received, 0) << "it is held";
    streams_.datagram_space = 10;
    service_.on_events(streams_, kEndpoint, Event::Writable, 1us);
    EXPECT_EQ(streams_.sent.size(), 2);
    EXPECT_EQ(service_.counters().answered, 2);
    EXPECT_EQ(service_.counters().refused_rate, 0);
}

TEST_F(UdpEchoTest, DatagramThatIsTooLongToSendStopsNoOther) {
    streams_.datagrams.push_back(datagram(2, 5000, std::string(stream::kMaxUdpPayload + 1, 'x')));
    receive(2, 5000);
    EXPECT_EQ(streams_.sent.size(), 1);
    EXPECT_EQ(service_.counters().no_room, 1);
}

TEST(UdpDiscard, TakesEveryDatagram) {
    FakeStreams streams;
    UdpDiscard service;
    for (const std::uint16_t port : {7, 5000})
        streams.datagrams.push_back(datagram(2, port, "text"));
    service.on_events(streams, kEndpoint, Event::Readable, 0us);
    EXPECT_TRUE(streams.datagrams.empty());
    EXPECT_TRUE(streams.sent.empty());
    EXPECT_EQ(service.counters().discarded, 2);
    EXPECT_EQ(service.counters().received_bytes, 8);
}

}  // namespace
}  // namespace l2echo::service
