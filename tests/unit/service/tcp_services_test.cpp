#include "service/datapath/tcp_services.hpp"

#include <gtest/gtest.h>

#include <string>

#include "fake_streams.hpp"
#include "service/datapath/chargen.hpp"
#include "service/datapath/length.hpp"

namespace l2echo::service {
namespace {

using stream::Event;
using stream::Events;
using stream::StreamId;
using std::chrono_literals::operator""us;

constexpr StreamId kStream{2, 5};
constexpr StreamId kOther{0, 1};
constexpr std::uint32_t kMaxStreams = 3;

/// A request of TcpLength: the length, and as many bytes.
std::string request(std::uint32_t length) {
    std::string text;
    for (const int shift : {24, 16, 8, 0})
        text += static_cast<char>(length >> shift);
    return text.append(length, 'x');
}

std::string answer(std::uint64_t length) {
    std::string text;
    for (int shift = 56; shift >= 0; shift -= 8)
        text += static_cast<char>(length >> shift);
    return text;
}

TEST(TcpEcho, EchoesUntilThePeerCloses) {
    FakeStreams streams;
    TcpEcho service;
    service.on_events(streams, kStream, Event::Accepted, 0us);
    EXPECT_TRUE(streams[kStream].is_echo);
    EXPECT_FALSE(streams[kStream].is_shut_down);
    service.on_events(streams, kStream, Event::PeerClosed, 1us);
    EXPECT_TRUE(streams[kStream].is_shut_down);
    service.on_events(streams, kStream, Event::Ended, 2us);
    EXPECT_EQ(service.counters().accepted, 1);
    EXPECT_EQ(service.counters().ended, 1);
}

TEST(TcpDiscard, TakesEverythingAndClosesAfterThePeer) {
    FakeStreams streams;
    TcpDiscard service;
    streams[kStream].to_read = "abc";
    service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable, 0us);
    EXPECT_EQ(streams[kStream].to_read, "");
    EXPECT_FALSE(streams[kStream].is_closed);
    streams[kStream].to_read = "defg";
    service.on_events(streams, kStream, Events(Event::Readable) | Event::PeerClosed, 1us);
    EXPECT_EQ(streams[kStream].to_read, "");
    EXPECT_TRUE(streams[kStream].is_closed);
    EXPECT_EQ(service.counters().received_bytes, 7);
    EXPECT_EQ(service.counters().ended, 1) << "no event follows close()";
    EXPECT_EQ(streams[kStream].written, "");
}

TEST(TcpChargen, SendsTheLinesOfTheStandard) {
    FakeStreams streams;
    TcpChargen service(kMaxStreams);
    streams[kStream].space = 2 * 74;
    service.on_events(streams, kStream, Event::Accepted, 0us);
    // RFC 864, the first two lines of its example
    EXPECT_EQ(streams[kStream].written,
              " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg\r\n"
              "!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefgh\r\n");
}

TEST(TcpChargen, ContinuesWhereItStoppedAndDropsWhatArrives) {
    FakeStreams streams;
    TcpChargen service(kMaxStreams);
    FakeStreams whole;
    TcpChargen same(kMaxStreams);
    whole[kOther].space = 30'000;
    same.on_events(whole, kOther, Event::Accepted, 0us);
    streams[kStream].space = 0;
    service.on_events(streams, kStream, Event::Accepted, 0us);
    while (streams[kStream].written.size() < 30'000) {
        streams[kStream].space = std::min<std::size_t>(977, 30'000 - streams[kStream].written.size());
        streams[kStream].to_read = "q";
        service.on_events(streams, kStream, Events(Event::Writable) | Event::Readable, 1us);
        ASSERT_EQ(streams[kStream].to_read, "");
    }
    EXPECT_EQ(streams[kStream].written, whole[kOther].written);
    EXPECT_EQ(service.counters().sent_bytes, 30'000);
}

TEST(TcpChargen, EachStreamStartsWithTheFirstLine) {
    FakeStreams streams;
    TcpChargen service(kMaxStreams);
    for (int turn = 0; turn < 2; ++turn) {
        streams[kStream] = {};
        streams[kStream].space = 10;
        service.on_events(streams, kStream, Event::Accepted, 0us);
        EXPECT_EQ(streams[kStream].written, " !\"#$%&'()");
        service.on_events(streams, kStream, Event::Ended, 1us);
    }
}

TEST(TcpLength, AnswersEachRequestWithItsLength) {
    FakeStreams streams;
    TcpLength service(Framing::Length, kMaxStreams);
    streams[kStream].to_read = request(512) + request(0) + request(70'000) + request(3).substr(0, 5);
    service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable, 0us);
    EXPECT_EQ(streams[kStream].written, answer(512) + answer(0) + answer(70'000));
    EXPECT_EQ(service.counters().requests, 3);
    EXPECT_EQ(streams[kStream].to_read, "");
}

TEST(TcpLength, RequestsOfTwoStreamsMayArriveByteByByte) {
    FakeStreams streams;
    TcpLength service(Framing::Length, kMaxStreams);
    const std::string requests = request(300) + request(7);
    service.on_events(streams, kStream, Event::Accepted, 0us);
    service.on_events(streams, kOther, Event::Accepted, 0us);
    for (const char next : requests) {
        for (const StreamId id : {kStream, kOther}) {
            streams[id].to_read = next;
            service.on_events(streams, id, Event::Readable, 1us);
        }
    }
    EXPECT_EQ(streams[kStream].written, answer(300) + answer(7));
    EXPECT_EQ(streams[kOther].written, answer(300) + answer(7));
    EXPECT_EQ(service.counters().received_bytes, 2 * requests.size());
}

TEST(TcpLength, TakesNoRequestWithoutSpaceForItsAnswer) {
    FakeStreams streams;
    TcpLength service(Framing::Length, kMaxStreams);
    streams[kStream].space = 12;
    streams[kStream].to_read = request(5) + request(6);
    service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable | Event::PeerClosed, 0us);
    EXPECT_EQ(streams[kStream].written, answer(5));
    EXPECT_EQ(streams[kStream].to_read, request(6));
    EXPECT_FALSE(streams[kStream].is_closed);
    streams[kStream].space = 100;
    service.on_events(streams, kStream, Event::Writable, 1us);
    EXPECT_EQ(streams[kStream].written, answer(5) + answer(6));
    EXPECT_TRUE(streams[kStream].is_closed);
    EXPECT_EQ(service.counters().malformed, 0);
    EXPECT_EQ(service.counters().ended, 1) << "no event follows close()";
}

TEST(TcpLength, RequestThatThePeerCutsOffIsCounted) {
    for (const std::size_t length : {1U, 4U, 6U}) {
        FakeStreams streams;
        TcpLength service(Framing::Length, kMaxStreams);
        streams[kStream].to_read = request(5).substr(0, length);
        service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable | Event::PeerClosed,
                          0us);
        EXPECT_EQ(streams[kStream].written, "");
        EXPECT_TRUE(streams[kStream].is_closed);
        EXPECT_EQ(service.counters().malformed, 1) << length;
    }
}

TEST(TcpLength, NextStreamInTheSamePlaceStartsAnew) {
    FakeStreams streams;
    TcpLength service(Framing::Length, kMaxStreams);
    streams[kStream].to_read = request(5).substr(0, 7);
    service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable, 0us);
    service.on_events(streams, kStream, Event::Ended, 1us);
    streams[kStream] = {};
    streams[kStream].to_read = request(9);
    service.on_events(streams, kStream, Events(Event::Accepted) | Event::Readable, 2us);
    EXPECT_EQ(streams[kStream].written, answer(9));
}

TEST(TcpLength, WithoutFramingAnswersEachDelivery) {
    FakeStreams streams;
    TcpLength service(Framing::None, kMaxStreams);
    service.on_events(streams, kStream, Event::Accepted, 0us);
    for (const std::size_t length : {768U, 1U}) {
        streams[kStream].to_read.assign(length, 'x');
        service.on_events(streams, kStream, Event::Readable, 1us);
    }
    EXPECT_EQ(streams[kStream].written, answer(768) + answer(1));
    service.on_events(streams, kStream, Event::PeerClosed, 2us);
    EXPECT_TRUE(streams[kStream].is_closed);
}

}  // namespace
}  // namespace l2echo::service
