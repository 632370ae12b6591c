// RFC 9293 3.7 and 3.8.6: when bytes are sent, and how a closed window is probed.
#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

TEST(Sending, LastSegmentOfAWriteIsPushed) {
    OneEnd end;
    end.establish();
    const std::vector<Sent> sent = end.write(std::string(1460 + 100, 'x'));
    ASSERT_EQ(sent.size(), 1U);  // Nagle holds the rest
    EXPECT_FALSE(sent[0].header.flags.psh);
    end.receive(end.ack());
    const Sent rest = end.send_one();
    EXPECT_EQ(rest.payload.size(), 100U);
    EXPECT_TRUE(rest.header.flags.psh);
}

TEST(Nagle, SmallSegmentsWaitForTheAck) {
    OneEnd end;
    end.establish();
    EXPECT_EQ(end.write("a").size(), 1U);
    EXPECT_TRUE(end.write("b").empty());
    EXPECT_TRUE(end.write("c").empty());
    end.receive(end.ack());
    EXPECT_EQ(end.send_one().payload, "bc");
}

TEST(Nagle, FullSegmentsDoNotWait) {
    OneEnd end;
    end.establish();
    EXPECT_EQ(end.write("a").size(), 1U);
    EXPECT_EQ(end.write(std::string(1460, 'x')).size(), 1U);
}

TEST(Nagle, NoDelaySendsSmallSegments) {
    OneEnd end;
    end.establish();
    end->set_no_delay(true);
    EXPECT_EQ(end.write("a").size(), 1U);
    EXPECT_EQ(end.write("b").size(), 1U);
    end->set_no_delay(false);
    EXPECT_TRUE(end.write("c").empty());
}

TEST(Nagle, ShutdownSendsAtOnce) {
    OneEnd end;
    end.establish();
    end.write("a");
    end.write("b");
    end->shutdown();
    const Sent last = end.send_one();
    EXPECT_EQ(last.payload, "b");
    EXPECT_TRUE(last.header.flags.fin);
}

TEST(SendWindow, IsNeverExceeded) {
    OneEnd end;
    end.peer_window = 4000;
    end.establish();
    std::size_t sent = 0;
    for (const Sent& segment : end.write(std::string(10'000, 'x')))
        sent += segment.payload.size();
    EXPECT_LE(sent, 4000U);
    EXPECT_GE(sent, 2920U);
}

TEST(SendWindow, AnOlderSegmentDoesNotMoveIt) {
    OneEnd end;
    end.establish();
    end.receive_next("x");
    end.receive_next("y");
    wire::TcpHeader old = end.ack();
    old.sequence -= 2;
    old.window = 10;
    end.receive(old, "xyz");
    EXPECT_EQ(end->info().send_window, 0xFFFFU);
}

TEST(SendWindow, AnOlderAcknowledgmentDoesNotMoveIt) {
    OneEnd end;
    end.establish();
    end.write("hello");
    end.receive(end.ack());
    const std::uint32_t before = end->info().send_window;
    end.peer_window = 1;
    end.receive(end.ack(OneEnd::kOurs + 3), "new bytes");
    EXPECT_EQ(end->info().send_window, before);
    EXPECT_EQ(end.read(), "new bytes");
}

TEST(SendWindow, MayShrink) {
    OneEnd end;
    end.establish();
    end.write(std::string(5 * 1460, 'x'));
    wire::TcpHeader shrunk = end.ack(OneEnd::kOurs + 1 + 1460);
    shrunk.window = 1460;
    end.receive(shrunk);
    end->write(bytes_of(std::string(5000, 'y')));
    EXPECT_TRUE(end.drain().empty());
    // What was sent beyond the new edge may be sent again.
    end.expire();
    EXPECT_EQ(end.send_one().begin(), OneEnd::kOurs + 1 + 1460);
    end.receive(end.ack());
    EXPECT_FALSE(end.drain().empty());
}

TEST(SendWindow, ShrunkToZeroWithBytesInFlightIsProbedWithoutEnd) {
    OneEnd end;
    end.settings.retries = 3;
    end.establish();
    end.write(std::string(5 * 1460, 'x'));
    wire::TcpHeader shrunk = end.ack(OneEnd::kOurs + 1);
    shrunk.window = 0;
    end.receive(shrunk);
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(end.expire().has(Event::TimedOut));
        EXPECT_EQ(end.send_one().begin(), OneEnd::kOurs + 1);
        end.receive(shrunk);
    }
    EXPECT_EQ(end->info().congestion_window, 14'600U);
    // The window opens again, and what is in flight arrives after all.
    end.receive(end.ack(OneEnd::kOurs + 1));
    end.run(minutes(5));
    end.receive(end.ack());
    EXPECT_EQ(end->info().unacknowledged, 0U);
}

TEST(SillyWindow, IsNotFilledUntilItIsWorthwhile) {
    OneEnd end;
    end.establish();
    end.write(std::string(1460, 'x'));
    wire::TcpHeader small = end.ack();
    small.window = 500;
    end.receive(small);
    EXPECT_TRUE(end.write(std::string(3000, 'y')).empty());
    wire::TcpHeader full = small;
    full.window = 1460;
    end.receive(full);
    EXPECT_EQ(end.send_one().payload.size(), 1460U);
}

TEST(SillyWindow, IsFilledAfterTheOverrideTime) {
    OneEnd end;
    end.establish();
    end.write(std::string(1460, 'x'));
    wire::TcpHeader small = end.ack();
    small.window = 500;
    end.receive(small);
    end.write(std::string(3000, 'y'));
    end.expire();
    EXPECT_EQ(end.send_one().payload.size(), 500U);
    end.receive(end.ack());
    end.drain();
}

TEST(SillyWindow, HalfOfTheLargestWindowIsWorthwhile) {
    OneEnd end;
    end.peer_window = 1000;
    end.establish();
    EXPECT_EQ(end.write(std::string(3000, 'y')).size(), 1U);  // 1000 of 1460
}

// --- Closed windows

struct ClosedWindow : OneEnd {
    ClosedWindow() {
        establish();
        peer_window = 0;
        receive(ack());
    }
    /// Waits for the next probe and returns it.
    Sent probe() {
        expire();
        return send_one();
    }
};

TEST(WindowProbe, CarriesOneByteAfterTheRetransmissionTimeout) {
    ClosedWindow end;
    EXPECT_TRUE(end.write("hello").empty());
    const Micros before = end.now;
    const Sequence next = end.our_next;
    const Sent probe = end.probe();
    EXPECT_EQ(end.now - before, end->info().retransmission_timeout);
    EXPECT_EQ(probe.begin(), next);
    EXPECT_EQ(probe.payload, "h");
}

TEST(WindowProbe, IntervalDoublesUpToAMinute) {
    ClosedWindow end;
    end.write("hello");
    Micros last = end.now;
    Micros gap{0};
    for (int i = 0; i < 20; ++i) {
        end.probe();
        EXPECT_GE(end.now - last, gap);
        gap = end.now - last;
        last = end.now;
        end.receive(end.ack(OneEnd::kOurs + 1));
    }
    EXPECT_EQ(gap, minutes(1));
}

TEST(WindowProbe, NeverEndsWhileThePeerAnswers) {
    ClosedWindow end;
    end.settings.retries = 3;
    end.write("hello");
    for (int i = 0; i < 1000; ++i) {
        end.probe();
        end.receive(end.ack(OneEnd::kOurs + 1));
    }
    EXPECT_EQ(end->state(), State::Established);
    end.peer_window = 1000;
    end.receive(end.ack(OneEnd::kOurs + 1));
    EXPECT_EQ(end.send_one().payload, "hello");
}

TEST(WindowProbe, EndsIfThePeerDoesNotAnswer) {
    ClosedWindow end;
    end.settings.retries = 3;
    end.write("hello");
    for (int i = 0; i < 3; ++i)
        end.probe();
    EXPECT_TRUE(end.expire().has(Event::TimedOut));
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(WindowProbe, ByteThatThePeerTakesIsNotSentAgain) {
    ClosedWindow end;
    end.write("hello");
    end.probe();
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Writable));
    EXPECT_EQ(end->info().bytes_acknowledged, 1U);
    end.peer_window = 1000;
    end.receive(end.ack());
    EXPECT_EQ(end.send_one().payload, "ello");
}

TEST(WindowProbe, ByteThatThePeerDropsIsSentAgain) {
    ClosedWindow end;
    end.write("hello");
    end.probe();
    end.peer_window = 1000;
    end.receive(end.ack(OneEnd::kOurs + 1));
    EXPECT_EQ(end.send_one().payload, "hello");
}

TEST(WindowProbe, ProbesForAFinAlone) {
    ClosedWindow end;
    end->shutdown();
    EXPECT_TRUE(end.drain().empty());
    const Sent probe = end.probe();
    EXPECT_TRUE(probe.header.flags.fin);
    EXPECT_EQ(probe.payload, "");
    end.receive(end.ack());
    EXPECT_EQ(end->state(), State::FinWait2);
}

TEST(WindowProbe, StopsWhenTheWindowOpens) {
    ClosedWindow end;
    end.write("hello");
    end.peer_window = 1000;
    end.receive(end.ack());
    EXPECT_EQ(end.send_one().payload, "hello");
    end.receive(end.ack());
    EXPECT_FALSE(end->deadline());
}

TEST(WindowProbe, UserTimeoutEndsIt) {
    ClosedWindow end;
    end->set_user_timeout(seconds(30));
    end.write("hello");
    const Micros before = end.now;
    while (end->state() != State::Closed && end.now - before < minutes(5)) {
        end.expire();
        end.drain();
        if (end->state() != State::Closed)
            end.receive(end.ack(OneEnd::kOurs + 1));
    }
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_GE(end.now - before, seconds(30));
}

// --- Memory

TEST(SendMemory, FullFifoTakesNoMore) {
    OneEnd end;
    end.settings.max_send_buffer = 65536;
    end.establish();
    EXPECT_EQ(end->write(bytes_of(std::string(100'000, 'x'))), 65536U);
    EXPECT_EQ(end->writable(), 0U);
    EXPECT_EQ(end->write(bytes_of("x")), 0U);
}

TEST(SendMemory, GrowsToTwiceTheCongestionWindow) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.establish();
    const std::size_t first = end->writable();
    for (int round = 0; round < 8; ++round) {
        end->write(bytes_of(std::string(end->writable(), 'x')));
        end.drain();
        end.pass(milliseconds(10));
        end.receive(end.ack());
        end.drain();
    }
    EXPECT_GT(end->writable() + end->info().unacknowledged, 2 * first);
}

TEST(SendMemory, AcknowledgedBytesHoldNothing) {
    OneEnd end;
    end.establish();
    end.write("hello");
    EXPECT_EQ(end->info().arena_bytes, end.settings.min_buffer + 8 * sizeof(SendRecord));
    end.receive(end.ack());
    EXPECT_EQ(end.arena.free_bytes(), end.arena.size());
}

TEST(SendMemory, WithoutMemoryForARecordTheTimerTriesAgain) {
    OneEnd end(std::size_t{64} << 10);
    end.establish();
    end->write(bytes_of("hello"));
    std::vector<void*> blocks;
    while (void* const block = end.arena.allocate(256))
        blocks.push_back(block);
    EXPECT_TRUE(end.drain().empty());
    ASSERT_TRUE(end->deadline());
    for (void* block : blocks)
        end.arena.release(block);
    end.expire();
    EXPECT_EQ(end.send_one().payload, "hello");
}

// --- Keepalive and user timeout

TEST(Keepalive, IsOffByDefault) {
    OneEnd end;
    end.establish();
    EXPECT_FALSE(end->deadline());
}

TEST(Keepalive, ProbesAnIdlePeerAndGivesUp) {
    OneEnd end;
    end.establish();
    end->set_keepalive(true, end.now);
    Micros before = end.now;
    for (int i = 0; i < end.settings.keepalive_probes; ++i) {
        EXPECT_FALSE(end.expire().any());
        EXPECT_EQ(end.now - before, i == 0 ? end.settings.keepalive_idle : end.settings.keepalive_interval);
        before = end.now;
        const Sent probe = end.send_one();
        EXPECT_EQ(probe.begin(), end.our_next - 1);
        EXPECT_EQ(probe.payload, "");
    }
    const Events events = end.expire();
    EXPECT_TRUE(events.has(Event::TimedOut) && events.has(Event::Closed));
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(Keepalive, AnswerRestartsTheIdleTime) {
    OneEnd end;
    end.establish();
    end->set_keepalive(true, end.now);
    end.expire();
    end.drain();
    end.receive(end.ack());
    EXPECT_EQ(end->deadline(), end.now + end.settings.keepalive_idle);
    end->set_keepalive(false, end.now);
    EXPECT_FALSE(end->deadline());
}

TEST(Keepalive, OfThePeerIsAnswered) {
    OneEnd end;
    end.establish();
    end.receive_next("x");
    end.run(milliseconds(100));
    wire::TcpHeader probe = end.ack();
    probe.sequence -= 1;
    end.receive(probe);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    end.receive(probe, "x");  // with the garbage byte that old peers send
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
}

TEST(UserTimeout, EndsWhenBytesStayUnacknowledged) {
    OneEnd end;
    end.establish();
    end->set_user_timeout(seconds(10));
    const Micros before = end.now;
    end.write("hello");
    end.run(seconds(60));
    EXPECT_TRUE(end.events.has(Event::TimedOut));
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_LE(end.now - before, seconds(60));
}

TEST(UserTimeout, EndsAHandshake) {
    OneEnd end;
    end.settings.user_timeout = seconds(10);
    end.open_actively();
    const Micros before = end.now;
    end.run(minutes(1));
    EXPECT_TRUE(end.events.has(Event::TimedOut));
    EXPECT_EQ(end->state(), State::Closed);
    EXPECT_EQ(end.now - before, minutes(1));
}

TEST(UserTimeout, TheLongestTimeIsNotOverAtOnce) {
    OneEnd end;
    end.establish();
    end->set_user_timeout(Micros::max());
    end.write("hello");
    EXPECT_GT(*end->deadline(), end.now);
    end.run(seconds(2));
    EXPECT_EQ(end->state(), State::Established);
}

TEST(UserTimeout, ExpiresOnTime) {
    OneEnd end;
    end.establish();
    end->set_user_timeout(seconds(10));
    const Micros before = end.now;
    end.write("hello");
    while (end->state() != State::Closed && end.now - before < minutes(1)) {
        end.expire();
        end.drain();
    }
    EXPECT_EQ(end.now - before, seconds(10));
}

}  // namespace
}  // namespace l2echo::tcp
