// RFC 9293 3.6, 3.10.4 and 3.10.5, RFC 2525: half-close, close, abort, TIME-WAIT.
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

TEST(Closing, PeerThenWe) {
    OneEnd end;
    end.establish();
    EXPECT_TRUE(end.receive_fin().has(Event::PeerClosed));
    EXPECT_EQ(end->state(), State::CloseWait);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    end->shutdown();
    EXPECT_EQ(end->state(), State::LastAck);
    EXPECT_TRUE(end.send_one().header.flags.fin);
    const Events events = end.receive(end.ack());
    EXPECT_TRUE(events.has(Event::Closed));
    EXPECT_FALSE(events.has(Event::Reset));
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_FALSE(end->deadline());
}

TEST(Closing, WeThenPeer) {
    OneEnd end;
    end.establish();
    end->shutdown();
    EXPECT_EQ(end->state(), State::FinWait1);
    EXPECT_TRUE(end.send_one().header.flags.fin);
    end.receive(end.ack());
    EXPECT_EQ(end->state(), State::FinWait2);
    EXPECT_TRUE(end.receive_fin().has(Event::TimeWait));
    EXPECT_EQ(end->state(), State::TimeWait);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    const Micros before = end.now;
    EXPECT_TRUE(end.expire().has(Event::Closed));
    EXPECT_EQ(end.now - before, end.settings.time_wait);
}

TEST(Closing, Simultaneously) {
    OneEnd end;
    end.establish();
    end->shutdown();
    const Sent fin = end.send_one();
    wire::TcpHeader peers = end.fin();
    peers.acknowledgment = fin.begin().value();
    EXPECT_TRUE(end.receive(peers).has(Event::PeerClosed));
    end.peer_next += 1;
    EXPECT_EQ(end->state(), State::Closing);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_TRUE(end.receive(end.ack()).has(Event::TimeWait));
}

TEST(Closing, FinThatAcknowledgesOursLeadsToTimeWait) {
    OneEnd end;
    end.establish();
    end->shutdown();
    end.drain();
    EXPECT_TRUE(end.receive_fin().has(Event::TimeWait));
}

TEST(Closing, HalfCloseStillReceives) {
    OneEnd end;
    end.establish();
    end->shutdown();
    end.drain();
    EXPECT_TRUE(end.receive_next("in FIN-WAIT-1").has(Event::Readable));
    EXPECT_EQ(end->state(), State::FinWait2);
    end.receive_next(", in FIN-WAIT-2");
    EXPECT_EQ(end.read(), "in FIN-WAIT-1, in FIN-WAIT-2");
}

TEST(Closing, HalfCloseStillSends) {
    OneEnd end;
    end.establish();
    end.receive_fin();
    end.drain();
    const std::vector<Sent> sent = end.write("in CLOSE-WAIT");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].payload, "in CLOSE-WAIT");
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Writable));
}

TEST(Closing, HalfCloseOutlastsTheFinWaitTime) {
    OneEnd end;
    end.establish();
    end->shutdown();
    end.drain();
    end.receive(end.ack());
    EXPECT_EQ(end->state(), State::FinWait2);
    EXPECT_FALSE(end->deadline());
}

TEST(Closing, FinFollowsQueuedBytes) {
    OneEnd end;
    end.establish();
    end->write(bytes_of(std::string(2000, 'x')));
    end->shutdown();
    const std::vector<Sent> sent = end.drain();
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_FALSE(sent[0].header.flags.fin);
    EXPECT_TRUE(sent[1].header.flags.fin);
    EXPECT_EQ(sent[1].payload.size(), 540U);
    EXPECT_EQ(end->write(bytes_of("more")), 0U);
    EXPECT_EQ(end->writable(), 0U);
}

TEST(Closing, FinWithPartialAckIsRepeatedWithTheRest) {
    OneEnd end;
    end.establish();
    end->write(bytes_of("hello"));
    end->shutdown();
    const Sent first = end.send_one();
    EXPECT_TRUE(first.header.flags.fin);
    end.receive(end.ack(first.begin() + 5));
    EXPECT_EQ(end->state(), State::FinWait1);
    end.expire();
    const Sent again = end.send_one();
    EXPECT_TRUE(again.header.flags.fin);
    EXPECT_EQ(again.payload, "");
    EXPECT_EQ(again.begin(), first.begin() + 5);
    end.receive(end.ack());
    EXPECT_EQ(end->state(), State::FinWait2);
}

TEST(Closing, FinWaitsForTheCongestionWindow) {
    OneEnd end;
    end.establish();
    end->write(bytes_of(std::string(11 * 1460, 'x')));
    end->close(end.now);
    std::vector<Sent> sent = end.drain();
    ASSERT_EQ(sent.size(), 10U);
    EXPECT_FALSE(sent.back().header.flags.fin);
    end.receive(end.ack(sent[0].begin() + 2920));
    sent = end.drain();
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_TRUE(sent.back().header.flags.fin);
    EXPECT_EQ(sent.back().payload.size(), 1460U);
}

TEST(Closing, FinOutOfOrderWaitsForTheBytesBefore) {
    OneEnd end;
    end.establish();
    wire::TcpHeader fin = end.fin();
    fin.sequence += 5;
    EXPECT_FALSE(end.receive(fin).any());
    EXPECT_EQ(end->state(), State::Established);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    const Events events = end.receive_next("hello");
    EXPECT_TRUE(events.has(Event::Readable) && events.has(Event::PeerClosed));
    end.peer_next += 1;
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_TRUE(end->peer_closed());
}

TEST(Closing, FinBeforeBytesThatArrivedIsIgnored) {
    OneEnd end;
    end.establish();
    wire::TcpHeader behind = end.ack();
    behind.sequence += 10;
    end.receive(behind, "xxxxx");
    wire::TcpHeader fin = end.fin();
    fin.sequence += 5;
    end.receive(fin);
    end.receive_next("0123456789");
    EXPECT_EQ(end.read(), "0123456789xxxxx");
    EXPECT_EQ(end->state(), State::Established);
}

TEST(Closing, BytesAfterTheFinAreIgnored) {
    OneEnd end;
    end.establish();
    end.receive_fin();
    end.drain();
    EXPECT_FALSE(end.receive(end.ack(), "x").any());
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Closing, RepeatedFinIsAcknowledged) {
    OneEnd end;
    end.establish();
    const wire::TcpHeader fin = end.fin();
    end.receive_fin();
    end.drain();
    end.receive(fin);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->state(), State::CloseWait);
}

TEST(Closing, LostFinIsRepeated) {
    OneEnd end;
    end.establish();
    end->shutdown();
    const Sent fin = end.send_one();
    end.expire();
    const Sent again = end.send_one();
    EXPECT_TRUE(again.header.flags.fin);
    EXPECT_EQ(again.begin(), fin.begin());
}

TEST(Closing, UnreadBytesStayReadable) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    end.receive_fin();
    end->shutdown();
    end.drain();
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Closed));
    EXPECT_EQ(end.read(), "hello");
}

TEST(Closing, CloseWithUnreadBytesResets) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    end.drain();
    end->close(end.now);
    const Sent reset = end.send_one();
    EXPECT_TRUE(reset.header.flags.rst);
    EXPECT_EQ(reset.begin(), end.our_next);
    EXPECT_EQ(end->state(), State::Closed);
}

TEST(Closing, BytesAfterCloseAreReset) {
    OneEnd end;
    end.establish();
    end->close(end.now);
    EXPECT_TRUE(end.send_one().header.flags.fin);
    EXPECT_TRUE(end.receive(end.ack(), "nobody reads").has(Event::Closed));
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(Closing, BytesAfterShutdownAndCloseAreReset) {
    OneEnd end;
    end.establish();
    end->shutdown();
    end.drain();
    end.receive(end.ack());
    end->close(end.now);
    EXPECT_TRUE(end.receive(end.ack(), "nobody reads").has(Event::Closed));
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(Closing, FinWait2EndsAfterClose) {
    OneEnd end;
    end.establish();
    end->close(end.now);
    end.drain();
    end.receive(end.ack());
    EXPECT_EQ(end->state(), State::FinWait2);
    const Micros before = end.now;
    EXPECT_TRUE(end.expire().has(Event::Closed));
    EXPECT_EQ(end.now - before, end.settings.fin_wait_2);
    EXPECT_TRUE(end.drain().empty());
}

TEST(Closing, AbortResets) {
    OneEnd end;
    end.establish();
    end.write("hello");
    end->abort();
    const Sent reset = end.send_one();
    EXPECT_TRUE(reset.header.flags.rst && reset.header.flags.ack);
    EXPECT_EQ(reset.begin(), end.our_next);
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_FALSE(end->deadline());
    EXPECT_EQ(end->info().arena_bytes, 0U);
}

TEST(Closing, ClosedConnectionIgnoresSegmentsAndCalls) {
    OneEnd end;
    end.establish();
    end->abort();
    end.drain();
    EXPECT_FALSE(end.receive(end.ack(), "x").any());
    EXPECT_FALSE(end.receive(end.syn()).any());
    EXPECT_EQ(end->write(bytes_of("x")), 0U);
    end->shutdown();
    end->close(end.now);
    end->abort();
    end->set_keepalive(true, end.now);
    EXPECT_TRUE(end.drain().empty());
    EXPECT_FALSE(end->deadline());
    EXPECT_FALSE(end->expire(end.now).any());
}

TEST(Linger, ZeroMakesCloseAnAbort) {
    OneEnd end;
    end.establish();
    end->set_linger(Micros(0));
    end->close(end.now);
    EXPECT_TRUE(end.send_one().header.flags.rst);
    EXPECT_EQ(end->state(), State::Closed);
}

TEST(Linger, EndsACloseThatTakesTooLong) {
    OneEnd end;
    end.establish();
    end->set_linger(seconds(2));
    end.write("not acknowledged");
    const Micros before = end.now;
    end->close(end.now);
    end.run(seconds(2));
    EXPECT_TRUE(end.events.has(Event::Closed));
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_EQ(end.now - before, seconds(2));
}

TEST(Linger, TheLongestTimeIsNotOverAtOnce) {
    OneEnd end;
    end.establish();
    end->set_linger(Micros::max());
    end.write("not acknowledged");
    end->close(end.now);
    end.run(seconds(2));
    EXPECT_EQ(end->state(), State::FinWait1);
}

TEST(Linger, DoesNotEndWhatWasAcknowledged) {
    OneEnd end;
    end.establish();
    end->set_linger(seconds(2));
    end->close(end.now);
    end.drain();
    end.receive(end.ack());
    end.receive_fin();
    end.run(seconds(10));
    EXPECT_EQ(end->state(), State::TimeWait);
}

// --- TIME-WAIT

struct WaitingEnd : OneEnd {
    WaitingEnd() {
        establish();
        connection->shutdown();
        drain();
        last_fin = fin();
        receive_fin();
        drain();
    }
    wire::TcpHeader last_fin{};
};

TEST(WaitingConnection, RepeatedFinIsAcknowledgedAndRestartsTheWait) {
    WaitingEnd end;
    end.pass(seconds(50));
    end.receive(end.last_fin);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->deadline(), end.now + end.settings.time_wait);
}

TEST(WaitingConnection, IsNotAssassinatedByAReset) {
    WaitingEnd end;
    EXPECT_FALSE(end.receive(end.rst()).any());
    EXPECT_EQ(end->state(), State::TimeWait);
}

TEST(WaitingConnection, SynIsChallenged) {
    WaitingEnd end;
    end.receive(end.syn());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->state(), State::TimeWait);
}

TEST(WaitingConnection, HoldsNoMemoryOfTheArena) {
    WaitingEnd end;
    EXPECT_EQ(end.arena.free_bytes(), end.arena.size());
}

}  // namespace
}  // namespace l2echo::tcp
