// RFC 6298, 5681, 6582, 6675, 6937, 8985, 3522: retransmission and what it means for the congestion window.
#include <algorithm>
#include <iterator>

#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint32_t kPayload = 1460;

struct Flight : OneEnd {
    /// `segments` of full size are in flight since `now`, without timestamps.
    explicit Flight(std::uint32_t segments, bool with_sack = true, bool with_timestamps = false) {
        settings.sack = with_sack;
        settings.timestamps = with_timestamps;
        establish(milliseconds(50));
        size = connection->info().send_mss;
        first = our_next;
        EXPECT_EQ(write(std::string(std::size_t{segments} * size, 'x')).size(), segments);
        sent_at = now;
    }
    /// The sequence number of segment `i`.
    Sequence at(std::uint32_t i) const { return first + i * size; }
    wire::SackBlock block(std::uint32_t from, std::uint32_t to) const {
        return {at(from).value(), at(to).value()};
    }
    /// Sequence numbers of what is sent now, as segments.
    std::vector<std::uint32_t> sent_segments() {
        std::vector<std::uint32_t> numbers;
        for (const Sent& sent : drain())
            numbers.push_back(bytes_between(first, sent.begin()) / size);
        return numbers;
    }
    using Numbers = std::vector<std::uint32_t>;

    std::uint32_t size = kPayload;
    Sequence first;
    Micros sent_at{0};
};

TEST(Retransmission, TimeoutRepeatsTheFirstSegmentAndBacksOff) {
    Flight end(3, false);
    Micros last = end.now;
    const Micros rto = end->info().retransmission_timeout;
    EXPECT_GE(rto, end.settings.min_rto);
    for (int i = 0; i < 4; ++i) {
        end.expire();
        EXPECT_EQ(end.now - last, rto * (1 << i));
        last = end.now;
        EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
        EXPECT_EQ(end->info().congestion_window, kPayload);
    }
    EXPECT_EQ(end->info().timeouts, 4U);
}

TEST(Retransmission, GivesUpAfterR2AndWarnsAtR1) {
    Flight end(1, false);
    Events events;
    int timeouts = 0;
    while (end->state() != State::Closed && timeouts < 100) {
        const Events now = end.expire();
        ++timeouts;
        EXPECT_EQ(now.has(Event::Suspect), timeouts == 3);
        events |= now;
        if (end->state() != State::Closed)
            end.drain();
    }
    EXPECT_EQ(timeouts, end.settings.retries + 1);
    EXPECT_TRUE(events.has(Event::TimedOut));
    EXPECT_TRUE(end.send_one().header.flags.rst);
    EXPECT_GE(end.now - end.sent_at, seconds(100));  // RFC 9293 3.8.3: R2
}

TEST(Retransmission, SegmentsThatAcknowledgeNothingNewDoNotPostponeTheTimeout) {
    Flight end(3, false);
    const std::optional<Micros> deadline = end->deadline();
    ASSERT_TRUE(deadline);
    for (int i = 0; i < 2; ++i) {
        end.pass(milliseconds(50));
        end.receive(end.ack(end.at(0)));
        EXPECT_EQ(end->deadline(), deadline);
    }
}

TEST(Retransmission, AcknowledgedBytesRestartTheTimer) {
    Flight end(3, false);
    end.pass(milliseconds(100));
    end.receive(end.ack(end.at(1)));
    EXPECT_EQ(end->deadline(), end.now + end->info().retransmission_timeout);
    end.receive(end.ack());
    EXPECT_FALSE(end->deadline());
}

TEST(Retransmission, SlowStartFollowsATimeout) {
    Flight end(8, false);
    end.expire();
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(1)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{1, 2}));
    end.receive(end.ack(end.at(3)));
    EXPECT_EQ(end->info().slow_start_threshold, 4 * kPayload);
    EXPECT_FALSE(end.sent_segments().empty());
}

TEST(Retransmission, ATimerThatFollowsEndsTheBackoff) {
    Flight end(1, false);
    end.expire();
    end.drain();
    end.expire();
    end.drain();
    end.receive(end.ack());
    EXPECT_LE(end->info().retransmission_timeout, milliseconds(400));
}

TEST(Retransmission, RoundTripsOfRepeatedSegmentsAreNotMeasured) {
    Flight end(1, false);
    end.expire();
    end.drain();
    end.pass(microseconds(1));
    const Micros before = end->info().smoothed_rtt;
    end.receive(end.ack());
    EXPECT_EQ(end->info().smoothed_rtt, before);
}

TEST(Retransmission, RepeatedBytesAreTheSame) {
    OneEnd end;
    end.establish();
    const std::vector<Sent> first = end.write("hello");
    end.expire();
    const Sent again = end.send_one();
    EXPECT_EQ(again.payload, "hello");
    EXPECT_EQ(again.begin(), first[0].begin());
}

// --- NewReno

TEST(NewReno, ThirdDuplicateAckRepeatsTheFirstSegment) {
    Flight end(8, false);
    for (int i = 0; i < 2; ++i) {
        end.receive(end.ack(end.at(0)));
        EXPECT_TRUE(end.sent_segments().empty());
    }
    end.receive(end.ack(end.at(0)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
    EXPECT_EQ(end->info().recoveries, 1U);
    EXPECT_EQ(end->info().slow_start_threshold, 4 * kPayload);
    EXPECT_EQ(end->info().timeouts, 0U);
}

TEST(NewReno, LimitedTransmitSendsNewBytesOnTheFirstDuplicates) {
    Flight end(10, false);
    end.write(std::string(5 * kPayload, 'y'));
    end.receive(end.ack(end.at(0)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{10}));
    end.receive(end.ack(end.at(0)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{11}));
}

TEST(NewReno, PartialAckRepeatsTheNextHole) {
    Flight end(8, false);
    for (int i = 0; i < 3; ++i)
        end.receive(end.ack(end.at(0)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
    end.receive(end.ack(end.at(3)));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{3}));
    EXPECT_TRUE(end->info().in_recovery);
    end.receive(end.ack(end.at(8)));
    EXPECT_FALSE(end->info().in_recovery);
    EXPECT_EQ(end->info().recoveries, 1U);
    EXPECT_GE(end->info().congestion_window, 4 * kPayload);
}

TEST(NewReno, DuplicatesWithPayloadOrANewWindowDoNotCount) {
    Flight end(8, false);
    for (int i = 0; i < 5; ++i) {
        end.receive_next("x");
        wire::TcpHeader ack = end.ack(end.at(0));
        end.peer_window = static_cast<std::uint16_t>(end.peer_window - 1);
        ack.window = end.peer_window;
        end.receive(ack);
    }
    EXPECT_EQ(end->info().recoveries, 0U);
}

TEST(NewReno, DuplicatesAfterATimeoutDoNotStartRecovery) {
    Flight end(8, false);
    end.expire();
    end.drain();
    end.receive(end.ack(end.at(1)));
    end.drain();
    for (int i = 0; i < 5; ++i) {
        end.receive(end.ack(end.at(1)));
        end.drain();
    }
    EXPECT_EQ(end->info().recoveries, 0U);
}

// --- RACK-TLP

TEST(Rack, HoleIsRepeatedOnceAReorderingWindowHasPassed) {
    Flight end(4);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 2)}));
    EXPECT_TRUE(end.sent_segments().empty());
    end.expire();
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
    EXPECT_LE(end.now - end.sent_at, milliseconds(64));  // a round trip and a quarter
    EXPECT_EQ(end->info().recoveries, 1U);
    EXPECT_EQ(end->info().timeouts, 0U);
}

TEST(Rack, ThreeSackedSegmentsNeedNoReorderingWindow) {
    Flight end(8);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 4)}));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
}

TEST(Rack, ReorderedSegmentIsNotRepeated) {
    Flight end(4);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 2)}));
    end.pass(milliseconds(5));
    end.receive(end.ack(end.at(2)));
    EXPECT_TRUE(end.sent_segments().empty());
    EXPECT_EQ(end->info().recoveries, 0U);
}

TEST(Rack, LostRetransmissionIsRepeatedWithoutATimeout) {
    Flight end(10);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 5)}));
    EXPECT_EQ(end.sent_segments().front(), 0U);
    end.write(std::string(4 * kPayload, 'y'));
    end.receive(end.ack(end.at(0), {end.block(1, 9)}));
    end.drain();
    // What was sent after the retransmission arrives, and the retransmission does not.
    end.pass(milliseconds(60));
    end.receive(end.ack(end.at(0), {{end.at(1).value(), end.our_next.value()}}));
    Flight::Numbers sent = end.sent_segments();
    if (sent.empty()) {
        end.expire();
        sent = end.sent_segments();
    }
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent.front(), 0U);
    EXPECT_EQ(end->info().timeouts, 0U);
}

TEST(Rack, SackedBytesAreNotRepeatedAfterATimeout) {
    Flight end(5);
    end.settings.tail_loss_probe = false;
    end.receive(end.ack(end.at(0), {end.block(2, 4)}));
    std::vector<Sent> sent = end.run(milliseconds(600));
    for (const Sent& segment : sent)
        EXPECT_NE(bytes_between(end.first, segment.begin()) / kPayload, 2U);
    EXPECT_FALSE(sent.empty());
}

TEST(Rack, RenegedBytesAreRepeatedAfterATimeout) {
    Flight end(3);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 3)}));
    end.run(milliseconds(20));
    // The peer lost what it had SACKed: it acknowledges up to it, and not it.
    end.receive(end.ack(end.at(1)));
    std::string repeated;
    for (int i = 0; i < 20 && end->info().unacknowledged > 0; ++i) {
        end.expire();
        for (const Sent& segment : end.drain()) {
            repeated += segment.payload;
            end.receive(end.ack(segment.begin() + static_cast<std::uint32_t>(segment.payload.size())));
        }
    }
    EXPECT_EQ(repeated.size(), 2 * kPayload);
}

TEST(TailLoss, ProbeRepeatsTheLastSegmentAfterTwoRoundTrips) {
    Flight end(3);
    end.expire();
    EXPECT_EQ(end.now - end.sent_at, milliseconds(100));
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{2}));
    EXPECT_EQ(end->info().probes, 1U);
    // Its SACK shows that the others are lost.
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(2, 3)}));
    Flight::Numbers sent = end.sent_segments();
    EXPECT_EQ(sent.front(), 0U);
    EXPECT_EQ(end->info().timeouts, 0U);
}

TEST(TailLoss, ProbeCarriesNewBytesIfThereAreSome) {
    Flight end(10);
    end->write(bytes_of(std::string(kPayload, 'y')));
    end.expire();
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{10}));
}

TEST(TailLoss, LossThatOnlyTheProbeRepairedReducesTheWindow) {
    Flight end(1);
    const std::uint32_t before = end->info().congestion_window;
    end.expire();
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0}));
    end.write(std::string(2 * kPayload, 'y'));
    end.pass(milliseconds(50));
    end.receive(end.ack());
    EXPECT_LT(end->info().congestion_window, before);
}

TEST(TailLoss, ProbeThatWasNotNeededDoesNotReduceTheWindow) {
    Flight end(1);
    const std::uint32_t before = end->info().congestion_window;
    end.expire();
    end.drain();
    end.receive(end.ack(end.at(1), {end.block(0, 1)}));  // both arrived: DSACK
    EXPECT_GE(end->info().congestion_window, before);
}

TEST(TailLoss, OneProbeThenTheTimeout) {
    Flight end(3);
    end.expire();
    end.drain();
    end.expire();
    EXPECT_EQ(end.sent_segments().front(), 0U);
    EXPECT_EQ(end->info().timeouts, 1U);
    EXPECT_EQ(end->info().probes, 1U);
}

TEST(Prr, SendsInProportionToWhatArrives) {
    Flight end(10);
    end.write(std::string(20 * kPayload, 'y'));
    end.pass(milliseconds(50));
    std::size_t sent = 0;
    for (std::uint32_t i = 2; i <= 10; ++i) {
        end.receive(end.ack(end.at(0), {end.block(1, i)}));
        sent += end.sent_segments().size();
        EXPECT_LE(end->info().flight, 10 * kPayload);
    }
    // Half of the window, and one segment of it is the retransmission.
    EXPECT_GE(sent, 4U);
    EXPECT_LE(sent, 6U);
    EXPECT_LE(end->info().flight, 6 * kPayload);
    end.receive(end.ack(end.at(10)));
    EXPECT_EQ(end->info().congestion_window, 5 * kPayload);
}

TEST(Undo, TimestampOfTheOriginalRestoresTheWindow) {
    Flight end(8, true, true);
    const std::uint32_t before = end->info().congestion_window;
    const std::uint32_t stamp = end.clock.at(end.now);
    end.run(milliseconds(700));  // a delay, and timeouts
    EXPECT_GT(end->info().timeouts, 0U);
    EXPECT_LT(end->info().congestion_window, before);
    wire::TcpHeader late = end.ack(end.at(1));
    late.options.timestamps->echo = stamp;
    end.receive(late);
    EXPECT_EQ(end->info().undone, 1U);
    EXPECT_GE(end->info().congestion_window, before);
    EXPECT_FALSE(end->info().in_recovery);
}

TEST(Undo, TimestampOfTheRetransmissionDoesNot) {
    Flight end(8, true, true);
    end.run(milliseconds(700));
    end.receive(end.ack(end.at(1)));
    EXPECT_EQ(end->info().undone, 0U);
}

// What an undone episode had sent again is acknowledged during the next one, with an older timestamp.
TEST(Undo, EpisodeAfterAnUndoneOneIsJudgedByItsOwnRetransmissions) {
    Flight end(10, true, true);
    const std::uint32_t stamp = end.clock.at(end.now);
    const auto ack = [&](std::uint32_t to, std::uint32_t echo,
                         std::initializer_list<wire::SackBlock> blocks) {
        wire::TcpHeader header = end.ack(end.at(to), blocks);
        header.options.timestamps->echo = echo;
        end.receive(header);
    };
    end.pass(milliseconds(60));
    ack(0, stamp, {end.block(1, 2), end.block(3, 7)});
    const std::uint32_t first_repeated = end.clock.at(end.now);
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{0, 2}));
    end.pass(milliseconds(10));
    ack(2, stamp, {end.block(3, 7)});  // 0 was only late
    EXPECT_EQ(end->info().undone, 1U);
    end.pass(milliseconds(10));
    ack(2, stamp, {end.block(3, 7), end.block(8, 10)});  // 7 is lost: another episode
    end.pass(milliseconds(60));
    ack(2, stamp, {end.block(3, 7), end.block(8, 10)});
    EXPECT_TRUE(end->info().in_recovery);
    EXPECT_EQ(end.sent_segments(), (Flight::Numbers{7}));
    end.pass(milliseconds(10));
    ack(7, first_repeated, {end.block(8, 10)});  // by the 2 that the first episode repeated
    EXPECT_EQ(end->info().undone, 1U);
    EXPECT_TRUE(end->info().in_recovery);
}

TEST(Undo, DsackOfEachRetransmissionRestoresTheWindow) {
    Flight end(8);
    const std::uint32_t before = end->info().congestion_window;
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 4)}));
    EXPECT_EQ(end.sent_segments().front(), 0U);
    end.receive(end.ack(end.at(8)));  // the original was only late
    EXPECT_LT(end->info().congestion_window, before);
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(8), {end.block(0, 1)}));
    EXPECT_EQ(end->info().undone, 1U);
    EXPECT_GE(end->info().congestion_window, before);
}

// One of the two was really lost.
TEST(Undo, DsackOfOneRetransmissionOfTwoDoesNotRestoreTheWindow) {
    Flight end(8);
    const std::uint32_t before = end->info().congestion_window;
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(3, 6), end.block(1, 2)}));
    Flight::Numbers sent = end.sent_segments();
    end.receive(end.ack(end.at(0), {end.block(3, 8), end.block(1, 2)}));
    std::ranges::copy(end.sent_segments(), std::back_inserter(sent));
    ASSERT_EQ(sent, (Flight::Numbers{0, 2}));
    end.receive(end.ack(end.at(8)));
    end.receive(end.ack(end.at(8), {end.block(2, 3)}));
    EXPECT_EQ(end->info().undone, 0U);
    EXPECT_LT(end->info().congestion_window, before);
    end.receive(end.ack(end.at(8), {end.block(0, 1)}));
    EXPECT_EQ(end->info().undone, 1U) << "both were in vain";
}

// RFC 3708 3: only a duplicate of what was sent again says that this was in vain.
TEST(Undo, DsackOfASegmentThatTheNetworkRepeatedDoesNot) {
    Flight end(8);
    const std::uint32_t before = end->info().congestion_window;
    end.pass(milliseconds(50));
    end.receive(end.ack(end.at(0), {end.block(1, 4)}));
    EXPECT_EQ(end.sent_segments().front(), 0U);
    end.receive(end.ack(end.at(0), {end.block(5, 6), end.block(1, 8)}));
    end.receive(end.ack(end.at(8)));
    end.receive(end.ack(end.at(8), {end.block(3, 4)}));
    EXPECT_EQ(end->info().undone, 0U);
    EXPECT_LT(end->info().congestion_window, before);
}

// Each flight has a late segment that is sent again before it arrives. Only the first recovery is spurious.
TEST(Undo, ReorderingThatWasSeenByItIsWaitedForFromThenOn) {
    Flight end(8, true, true);
    const auto reorder = [&end](std::uint32_t first) {
        const std::uint32_t stamp = end.clock.at(end.now);
        end.pass(milliseconds(50));
        wire::TcpHeader late = end.ack(end.at(first), {end.block(first + 1, first + 8)});
        late.options.timestamps->echo = stamp;
        end.receive(late);
        end.drain();
        end.pass(milliseconds(2));
        late = end.ack(end.at(first + 8));
        late.options.timestamps->echo = stamp;
        end.receive(late);
        end.write(std::string(8 * kPayload, 'x'));
    };
    for (const std::uint32_t first : {0, 8, 16})
        reorder(first);
    EXPECT_EQ(end->info().recoveries, 1U);
    EXPECT_EQ(end->info().undone, 1U);
    EXPECT_EQ(end->info().segments_retransmitted, 1U);
}

TEST(Congestion, IdleConnectionStartsAgainWithTheInitialWindow) {
    Flight end(10, false);
    for (int i = 0; i < 4; ++i) {
        end.pass(milliseconds(50));
        end.receive(end.ack());
        end.write(std::string(30 * kPayload, 'x'));
    }
    end.receive(end.ack());
    end.run(seconds(1));
    end.receive(end.ack());
    while (end->info().unacknowledged + end->info().unsent > 0) {
        end.drain();
        end.receive(end.ack());
    }
    EXPECT_GT(end->info().congestion_window, 15 * kPayload);
    end.pass(seconds(10));
    EXPECT_EQ(end.write(std::string(30 * kPayload, 'x')).size(), 10U);
}

TEST(Congestion, DoesNotGrowWhileTheApplicationLimits) {
    OneEnd end;
    end.establish();
    const std::uint32_t before = end->info().congestion_window;
    for (int i = 0; i < 100; ++i) {
        end.write("request");
        end.pass(milliseconds(10));
        end.receive(end.ack());
    }
    EXPECT_LE(end->info().congestion_window, before + kPayload);
}

}  // namespace
}  // namespace l2echo::tcp
