// RFC 9293 3.10.7.4, RFC 5961, RFC 7323 5: which segments a synchronized connection accepts.
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

TEST(Acceptance, SegmentBeforeTheWindowIsAcknowledgedAndDropped) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    end.drain();
    wire::TcpHeader old = end.ack();
    old.sequence -= 5;
    EXPECT_FALSE(end.receive(old, "HELLO").any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end.read(), "hello");
}

TEST(Acceptance, SegmentAfterTheWindowIsAcknowledgedAndDropped) {
    OneEnd end;
    end.establish();
    wire::TcpHeader far = end.ack();
    far.sequence += end->info().receive_window;
    EXPECT_FALSE(end.receive(far, "x").any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->info().refused_segments, 1U);
}

TEST(Acceptance, BytesOutsideTheWindowAreCutOff) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    wire::TcpHeader overlap = end.ack();
    overlap.sequence -= 2;
    end.receive(overlap, "loworld");
    EXPECT_EQ(end.read(), "helloworld");

    const std::uint32_t window = end->info().receive_window;
    end.peer_next += 5;
    end.receive(end.ack(), std::string(window + 100, 'x'));
    EXPECT_EQ(end->info().bytes_received, 10U + window);
}

TEST(Acceptance, AckOfUnsentBytesIsAnsweredAndDropped) {
    OneEnd end;
    end.establish();
    EXPECT_FALSE(end.receive(end.ack(end.our_next + 1), "x").any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Acceptance, AckOlderThanTheLargestWindowIsAnsweredAndDropped) {
    OneEnd end;
    end.establish();
    const Sequence old = end.our_next - (end.peer_window + 1U);
    EXPECT_FALSE(end.receive(end.ack(old), "x").any());
    EXPECT_EQ(end->readable(), 0U);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    // An old ACK within that window is a duplicate, and its bytes count.
    EXPECT_TRUE(end.receive(end.ack(end.our_next - end.peer_window), "x").has(Event::Readable));
}

TEST(Acceptance, SegmentWithoutAckIsDropped) {
    OneEnd end;
    end.establish();
    wire::TcpHeader header = end.ack();
    header.flags.ack = false;
    EXPECT_FALSE(end.receive(header, "x").any());
    EXPECT_TRUE(end.drain().empty());
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Acceptance, PureAckAtTheRightEdgeCounts) {
    // The peer filled the window, and the first segment was lost: its ACKs carry the sequence number after
    // the last.
    OneEnd end;
    end.establish();
    end.write("hello");
    wire::TcpHeader ack = end.ack();
    ack.sequence += end->info().receive_window;
    EXPECT_TRUE(end.receive(ack).has(Event::Writable));
}

TEST(Acceptance, ReorderedPureAckCounts) {
    OneEnd end;
    end.establish();
    end.write("hello");
    const wire::TcpHeader ack = end.ack();
    end.receive_next("x");  // overtakes the ACK, and acknowledges nothing new
    EXPECT_FALSE(end.receive(ack).has(Event::Reset));
    EXPECT_EQ(end->info().unacknowledged, 0U);
    EXPECT_EQ(end->info().refused_segments, 0U);
}

TEST(Reset, ExactSequenceNumberEnds) {
    OneEnd end;
    end.establish();
    const Events events = end.receive(end.rst());
    EXPECT_TRUE(events.has(Event::Reset) && events.has(Event::Closed));
    EXPECT_TRUE(end.drain().empty());
}

TEST(Reset, OtherSequenceNumberInTheWindowIsChallenged) {
    OneEnd end;
    end.establish();
    wire::TcpHeader reset = end.rst();
    reset.sequence += 1;
    EXPECT_FALSE(end.receive(reset).any());
    EXPECT_EQ(end->state(), State::Established);
    const Sent challenge = end.send_one();
    EXPECT_EQ(challenge.begin(), end.our_next);
    EXPECT_EQ(challenge.ack(), end.peer_next);
}

TEST(Reset, OutsideTheWindowIsDropped) {
    OneEnd end;
    end.establish();
    for (const std::int64_t offset : {-1L, static_cast<long>(end->info().receive_window)}) {
        wire::TcpHeader reset = end.rst();
        reset.sequence += static_cast<std::uint32_t>(offset);
        EXPECT_FALSE(end.receive(reset).any());
        EXPECT_TRUE(end.drain().empty());
    }
    EXPECT_EQ(end->state(), State::Established);
}

TEST(Reset, WithPayloadEnds) {
    OneEnd end;
    end.establish();
    EXPECT_TRUE(end.receive(end.rst(), "the reason").has(Event::Reset));
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Reset, DropsWhatWasNotRead) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    end.receive(end.rst());
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Syn, InAnOpenConnectionIsChallenged) {
    OneEnd end;
    end.establish();
    wire::TcpHeader syn = end.syn();
    syn.sequence = end.peer_next.value() + 10;
    EXPECT_FALSE(end.receive(syn).any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    syn.sequence = end.peer_next.value() - 10;
    EXPECT_FALSE(end.receive(syn).any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->state(), State::Established);
    EXPECT_EQ(end->info().challenge_acks, 2U);
}

TEST(ChallengeAck, RateIsLimitedPerConnection) {
    OneEnd end;
    end.settings.challenge_acks_per_second = 5;
    end.establish();
    std::size_t sent = 0;
    for (int i = 0; i < 100; ++i) {
        end.receive(end.syn());
        sent += end.drain().size();
    }
    EXPECT_EQ(sent, 5U);
    end.pass(seconds(1));
    end.receive(end.syn());
    EXPECT_EQ(end.drain().size(), 1U);
}

TEST(ChallengeAck, TwoEndsOutOfStepDoNotAnswerEachOtherEndlessly) {
    OneEnd end;
    end.establish();
    std::size_t sent = 0;
    for (int i = 0; i < 1000; ++i) {
        wire::TcpHeader ack = end.ack();
        ack.sequence += 1U << 30;
        end.receive(ack);
        sent += end.drain().size();
    }
    EXPECT_LE(sent, end.settings.challenge_acks_per_second);
}

// --- Timestamps

struct StampedEnd : OneEnd {
    StampedEnd() { settings.timestamps = true; }
};

TEST(Paws, OldTimestampIsAcknowledgedAndDropped) {
    StampedEnd end;
    end.establish();
    wire::TcpHeader old = end.ack();
    old.options.timestamps->value -= 1;
    EXPECT_FALSE(end.receive(old, "x").any());
    EXPECT_EQ(end->readable(), 0U);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
}

TEST(Paws, WrappedTimestampIsNewer) {
    StampedEnd end;
    end.establish();
    end.peer_timestamp += 100;  // wraps
    EXPECT_TRUE(end.receive_next("x").has(Event::Readable));
    end.peer_timestamp -= 100;
    EXPECT_FALSE(end.receive_next("y").any());
}

TEST(Paws, DoesNotApplyToResets) {
    StampedEnd end;
    end.establish();
    wire::TcpHeader reset = end.rst();
    reset.options.timestamps->value -= 1000;
    EXPECT_TRUE(end.receive(reset).has(Event::Reset));
}

TEST(Paws, AResetNeedsNoTimestamp) {
    StampedEnd end;
    end.establish();
    wire::TcpHeader reset = end.rst();
    reset.options.timestamps.reset();
    EXPECT_TRUE(end.receive(reset).has(Event::Reset));
}

TEST(Paws, TimestampIsForgottenAfter24Days) {
    StampedEnd end;
    end.establish();
    end.peer_timestamp -= 1000;
    end.pass(hours(24 * 24));
    EXPECT_TRUE(end.receive_next("x").has(Event::Readable));
}

TEST(Paws, SegmentWithoutTimestampIsDropped) {
    StampedEnd end;
    end.establish();
    wire::TcpHeader header = end.ack();
    header.options.timestamps.reset();
    EXPECT_FALSE(end.receive(header, "x").any());
    EXPECT_TRUE(end.drain().empty());
    EXPECT_EQ(end->info().refused_segments, 1U);
}

TEST(Timestamps, EchoIsThatOfTheSegmentThatTheAckCovers) {
    StampedEnd end;
    end.establish();
    end.receive_next("first");  // the ACK is delayed
    const std::uint32_t first = end.peer_timestamp;
    end.peer_timestamp += 50;
    end.receive_next("second");
    EXPECT_EQ(end.send_one().header.options.timestamps->echo, first);
    // A segment behind a hole does not change it.
    end.peer_timestamp += 50;
    wire::TcpHeader behind = end.ack();
    behind.sequence += 10;
    end.receive(behind, "x");
    EXPECT_EQ(end.send_one().header.options.timestamps->echo, first);
}

}  // namespace
}  // namespace l2echo::tcp
