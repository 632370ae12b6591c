// RFC 9293 3.5 and 3.10.7.3: opening a connection.
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

TEST(Handshake, ActiveOpenSendsSynAndConnects) {
    OneEnd end;
    const Sent syn = end.open_actively();
    EXPECT_TRUE(syn.header.flags.syn);
    EXPECT_FALSE(syn.header.flags.ack);
    EXPECT_EQ(syn.begin(), OneEnd::kOurs);
    EXPECT_EQ(syn.header.options.mss, 1460);
    end.pass(milliseconds(10));
    EXPECT_TRUE(end.receive(end.syn_ack()).has(Event::Connected));
    const Sent ack = end.send_one();
    EXPECT_EQ(end->state(), State::Established);
    EXPECT_TRUE(ack.header.flags.ack);
    EXPECT_FALSE(ack.header.flags.syn);
    EXPECT_EQ(ack.ack(), OneEnd::kPeers + 1);
    EXPECT_EQ(end->info().smoothed_rtt, milliseconds(10));
}

TEST(Handshake, PassiveOpenConnectsOnTheAck) {
    OneEnd end;
    end.open_passively();
    EXPECT_EQ(end->state(), State::SynReceived);
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Connected));
    EXPECT_EQ(end->state(), State::Established);
    EXPECT_TRUE(end.drain().empty());
}

TEST(Handshake, SimultaneousOpenAnswersSynWithSynAck) {
    OneEnd end;
    end.open_actively();
    EXPECT_FALSE(end.receive(end.syn()).any());
    EXPECT_EQ(end->state(), State::SynReceived);
    const Sent answer = end.send_one();
    EXPECT_TRUE(answer.header.flags.syn && answer.header.flags.ack);
    EXPECT_EQ(answer.begin(), OneEnd::kOurs);
    EXPECT_EQ(answer.ack(), OneEnd::kPeers + 1);
    EXPECT_TRUE(end.receive(end.syn_ack()).has(Event::Connected));
    EXPECT_EQ(end->state(), State::Established);
}

TEST(Handshake, SimultaneousOpenConnectsOnAPlainAck) {
    OneEnd end;
    end.open_actively();
    end.receive(end.syn());
    end.drain();
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Connected));
}

TEST(Handshake, BytesOfASynTakeTheirPartOfTheWindow) {
    OneEnd end;
    const Sent syn = end.open_actively();
    end.receive(end.syn(), "early");
    const Sent answer = end.send_one();
    EXPECT_EQ(answer.ack(), OneEnd::kPeers + 1 + 5);
    EXPECT_EQ(answer.header.window, syn.header.window - 5);
}

TEST(Handshake, RepeatedSynInSynReceivedRepeatsTheSynAck) {
    OneEnd end;
    end.open_actively();
    end.receive(end.syn());
    end.drain();
    end.receive(end.syn());
    EXPECT_TRUE(end.send_one().header.flags.syn);
}

TEST(Handshake, SynIsRepeatedWithDoubledTimeoutsUntilItGivesUp) {
    OneEnd end;
    end.settings.syn_retries = 3;
    end.open_actively();
    Micros last = end.now;
    for (const Micros gap : {seconds(1), seconds(2), seconds(4)}) {
        end.expire();
        EXPECT_EQ(end.now - last, gap);
        last = end.now;
        EXPECT_TRUE(end.send_one().header.flags.syn);
    }
    const Events events = end.expire();
    EXPECT_EQ(end.now - last, seconds(8));
    EXPECT_TRUE(events.has(Event::TimedOut) && events.has(Event::Closed));
    EXPECT_TRUE(end.drain().empty());
    EXPECT_FALSE(end->deadline());
}

TEST(Handshake, SynIsRepeatedForThreeMinutesByDefault) {
    OneEnd end;
    end.open_actively();
    const Micros before = end.now;
    for (int i = 0; i < 20 && end->state() != State::Closed; ++i) {
        end.expire();
        end.drain();
    }
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_GE(end.now - before, minutes(3));
}

TEST(Handshake, SynAckIsRepeatedUntilItGivesUp) {
    OneEnd end;
    end.settings.synack_retries = 2;
    end.open_passively();
    for (int i = 0; i < 2; ++i) {
        end.expire();
        EXPECT_TRUE(end.send_one().header.flags.syn);
    }
    EXPECT_TRUE(end.expire().has(Event::TimedOut));
    EXPECT_TRUE(end.send_one().header.flags.rst);
    EXPECT_EQ(end->state(), State::Closed);
}

TEST(Handshake, RoundTripOfARepeatedSynIsNotMeasured) {
    OneEnd end;
    end.open_actively();
    end.expire();
    end.drain();
    end.pass(milliseconds(10));
    end.receive(end.syn_ack());
    EXPECT_EQ(end->info().smoothed_rtt, Micros(0));
}

TEST(Handshake, ALostSynMakesTheInitialWindowOneSegment) {
    OneEnd end;
    end.open_actively();
    end.expire();
    end.drain();
    end.receive(end.syn_ack());
    end.drain();
    EXPECT_EQ(end->info().congestion_window, end->info().send_mss);
}

TEST(Handshake, InitialWindowIsTenSegments) {
    OneEnd end;
    end.establish();
    EXPECT_EQ(end.write(std::string(30'000, 'x')).size(), 10U);
}

TEST(Handshake, WrongAckInSynSentIsReset) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader header = end.syn_ack();
    header.acknowledgment = (OneEnd::kOurs + 2).value();
    EXPECT_FALSE(end.receive(header).any());
    const Sent reset = end.send_one();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.begin(), OneEnd::kOurs + 2);
    EXPECT_EQ(end->state(), State::SynSent);
    header.acknowledgment = OneEnd::kOurs.value();
    end.receive(header);
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(Handshake, WrongAckWithRstInSynSentIsDropped) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader header = end.rst();
    header.acknowledgment = (OneEnd::kOurs + 2).value();
    EXPECT_FALSE(end.receive(header).any());
    EXPECT_TRUE(end.drain().empty());
    EXPECT_EQ(end->state(), State::SynSent);
}

TEST(Handshake, RstWithoutAckInSynSentIsDropped) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader header = end.rst();
    header.flags.ack = false;
    EXPECT_FALSE(end.receive(header).any());
    EXPECT_EQ(end->state(), State::SynSent);
}

TEST(Handshake, RstThatAcknowledgesTheSynRefuses) {
    OneEnd end;
    end.open_actively();
    const Events events = end.receive(end.rst());
    EXPECT_TRUE(events.has(Event::Reset) && events.has(Event::Closed));
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_FALSE(end->deadline());
}

TEST(Handshake, AckWithoutSynInSynSentIsDropped) {
    OneEnd end;
    end.open_actively();
    EXPECT_FALSE(end.receive(end.ack()).any());
    EXPECT_EQ(end->state(), State::SynSent);
    EXPECT_TRUE(end.drain().empty());
}

TEST(Handshake, WrongAckInSynReceivedIsReset) {
    OneEnd end;
    end.open_passively();
    EXPECT_FALSE(end.receive(end.ack(OneEnd::kOurs + 2)).any());
    const Sent reset = end.send_one();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.begin(), OneEnd::kOurs + 2);
    EXPECT_EQ(end->state(), State::SynReceived);
}

TEST(Handshake, RstThatWaitedIsNotSentOnceOpen) {
    OneEnd end;
    end.open_passively();
    end.receive(end.ack(OneEnd::kOurs + 2));  // its RST has found no room
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Connected));
    for (const Sent& sent : end.drain())
        EXPECT_FALSE(sent.header.flags.rst);
}

TEST(Handshake, RstInSynReceivedEnds) {
    OneEnd end;
    end.open_passively();
    EXPECT_TRUE(end.receive(end.rst()).has(Event::Closed));
}

TEST(Handshake, PayloadOfTheSynAckIsDelivered) {
    OneEnd end;
    end.open_actively();
    const Events events = end.receive(end.syn_ack(), "hello");
    EXPECT_TRUE(events.has(Event::Connected) && events.has(Event::Readable));
    EXPECT_EQ(end.send_one().ack(), OneEnd::kPeers + 6);
    EXPECT_EQ(end.read(), "hello");
}

TEST(Handshake, PayloadOfASynIsDeliveredOnceConnected) {
    OneEnd end;
    end.open_actively();
    EXPECT_FALSE(end.receive(end.syn(), "hello").any());
    EXPECT_EQ(end->readable(), 0U);
    EXPECT_EQ(end.send_one().ack(), OneEnd::kPeers + 6);
    end.peer_next += 5;
    const Events events = end.receive(end.ack());
    EXPECT_TRUE(events.has(Event::Connected) && events.has(Event::Readable));
    EXPECT_EQ(end.read(), "hello");
}

TEST(Handshake, FinOfTheSynAckIsTakenAfterConnecting) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader header = end.syn_ack();
    header.flags.fin = true;
    const Events events = end.receive(header);
    EXPECT_TRUE(events.has(Event::Connected) && events.has(Event::PeerClosed));
    EXPECT_EQ(end->state(), State::CloseWait);
    EXPECT_EQ(end.send_one().ack(), OneEnd::kPeers + 2);
}

TEST(Handshake, BytesWrittenBeforeAreSentOnceConnected) {
    OneEnd end;
    end.open_actively();
    EXPECT_TRUE(end.write("hello").empty());
    end.receive(end.syn_ack());
    EXPECT_EQ(end.send_one().payload, "hello");
}

TEST(Handshake, ShutdownBeforeSendsTheFinOnceConnected) {
    OneEnd end;
    end.open_actively();
    end->write(bytes_of("bye"));
    end->shutdown();
    EXPECT_TRUE(end.drain().empty());
    end.receive(end.syn_ack());
    const Sent last = end.send_one();
    EXPECT_EQ(last.payload, "bye");
    EXPECT_TRUE(last.header.flags.fin);
    EXPECT_EQ(end->state(), State::FinWait1);
}

TEST(Handshake, CloseInSynSentEndsWithoutASegment) {
    OneEnd end;
    end.open_actively();
    end->close(end.now);
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_TRUE(end.drain().empty());
}

TEST(Handshake, AbortInSynSentEndsWithoutASegment) {
    OneEnd end;
    end.open_actively();
    end->abort();
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_TRUE(end.drain().empty());
}

// --- Options

TEST(Options, AllAreOffered) {
    OneEnd end;
    end.settings.sack = end.settings.timestamps = end.settings.window_scaling = true;
    const Sent syn = end.open_actively();
    EXPECT_TRUE(syn.header.options.sack_permitted);
    ASSERT_TRUE(syn.header.options.timestamps.has_value());
    EXPECT_EQ(syn.header.options.timestamps->echo, 0U);
    EXPECT_EQ(syn.header.options.window_scale, 7);  // 4 MiB
}

TEST(Options, SimultaneousOpenOffersWhatThePeerOffers) {
    OneEnd end;
    end.settings.sack = end.settings.timestamps = end.settings.window_scaling = true;
    end.open_actively();
    wire::TcpHeader syn = end.syn();
    syn.options.sack_permitted = false;
    syn.options.window_scale.reset();
    end.receive(syn);
    const Sent answer = end.send_one();
    EXPECT_FALSE(answer.header.options.sack_permitted);
    EXPECT_FALSE(answer.header.options.window_scale.has_value());
    ASSERT_TRUE(answer.header.options.timestamps.has_value());
    EXPECT_EQ(answer.header.options.timestamps->echo, end.peer_timestamp);
}

TEST(Options, WhatThePeerDoesNotOfferIsNotUsed) {
    OneEnd end;
    end.settings.sack = end.settings.timestamps = end.settings.window_scaling = true;
    end.open_actively();
    wire::TcpHeader answer = end.syn_ack();
    answer.options.sack_permitted = false;
    answer.options.window_scale.reset();
    answer.options.timestamps.reset();
    end.receive(answer);
    const Sent ack = end.send_one();
    EXPECT_FALSE(ack.header.options.timestamps.has_value());
    const Info info = end->info();
    EXPECT_FALSE(info.sack || info.timestamps || info.window_scaling);
    EXPECT_EQ(ack.header.window, info.receive_window);
}

TEST(Options, WindowOfASynIsNotScaled) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.open_actively();
    wire::TcpHeader answer = end.syn_ack();
    answer.window = 1000;
    answer.options.window_scale = 7;
    end.receive(answer);
    EXPECT_EQ(end->info().send_window, 1000U);
    end.drain();
    wire::TcpHeader ack = end.ack();
    ack.window = 1000;
    end.receive(ack);
    EXPECT_EQ(end->info().send_window, 128'000U);
}

TEST(Options, AShiftAboveFourteenCountsAsFourteen) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.open_actively();
    wire::TcpHeader answer = end.syn_ack();
    answer.options.window_scale = 200;
    end.receive(answer);
    end.drain();
    wire::TcpHeader ack = end.ack();
    ack.window = 2;
    end.receive(ack);
    EXPECT_EQ(end->info().send_window, 2U << 14);
}

TEST(Options, WithoutAnMssOptionSegmentsAre536Bytes) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader answer = end.syn_ack();
    answer.options.mss = 0;
    end.receive(answer);
    EXPECT_EQ(end->info().send_mss, 536U);
}

TEST(Options, WithoutAnMssOptionIpv6SegmentsAre1220Bytes) {
    OneEnd end;
    end.tuple.local = test_address6(1);
    end.tuple.remote = test_address6(2);
    const Sent syn = end.open_actively();
    EXPECT_EQ(syn.header.options.mss, 1440);
    wire::TcpHeader answer = end.syn_ack();
    answer.options.mss = 0;
    end.receive(answer);
    EXPECT_EQ(end->info().send_mss, 1220U);
}

TEST(Options, ATinyMssIsRaised) {
    OneEnd end;
    end.open_actively();
    wire::TcpHeader answer = end.syn_ack();
    answer.options.mss = 1;
    end.receive(answer);
    EXPECT_EQ(end->info().send_mss, end.settings.min_mss);
}

TEST(Options, TimestampsTakeTheirPartOfTheSegment) {
    OneEnd end;
    end.settings.timestamps = true;
    end.establish();
    EXPECT_EQ(end->info().send_mss, 1448U);
    const std::vector<Sent> sent = end.write(std::string(1448, 'x'));
    ASSERT_EQ(sent.size(), 1U);
    ASSERT_TRUE(sent[0].header.options.timestamps.has_value());
    EXPECT_EQ(sent[0].header.options.timestamps->value, end.clock.at(end.now));
    EXPECT_EQ(sent[0].header.options.timestamps->echo, end.peer_timestamp);
}

TEST(Options, TheLinkBoundsSegments) {
    OneEnd end;
    end.establish(milliseconds(10), 1000);
    EXPECT_EQ(end->info().send_mss, 960U);
}

}  // namespace
}  // namespace l2echo::tcp
