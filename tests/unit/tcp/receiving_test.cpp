// RFC 9293 3.8.6, 2018, 2883, 5681 4.2: windows, delayed acknowledgments and bytes behind a hole.
#include <algorithm>

#include "one_end.hpp"

namespace l2echo::tcp {
namespace {

TEST(DelayedAck, SingleSegmentIsAcknowledgedAfterTheDelay) {
    OneEnd end;
    end.establish();
    end.receive_next("x");
    EXPECT_TRUE(end.drain().empty());
    const Micros before = end.now;
    end.expire();
    EXPECT_EQ(end.now - before, end.settings.ack_delay);
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_FALSE(end->deadline());
}

TEST(DelayedAck, SecondSegmentIsAcknowledgedAtOnce) {
    OneEnd end;
    end.establish();
    end.receive_next(std::string(1460, 'x'));
    EXPECT_TRUE(end.drain().empty());
    end.receive_next(std::string(1460, 'x'));
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_FALSE(end->deadline());
}

TEST(DelayedAck, RidesOnPayload) {
    OneEnd end;
    end.establish();
    end.receive_next("question");
    const std::vector<Sent> sent = end.write("answer");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].ack(), end.peer_next);
    end.receive(end.ack());
    EXPECT_TRUE(end.drain().empty());
    EXPECT_FALSE(end->deadline());
}

TEST(OutOfOrder, IsAcknowledgedAtOnceAndDeliveredInOrder) {
    OneEnd end;
    end.establish();
    wire::TcpHeader behind = end.ack();
    behind.sequence += 5;
    EXPECT_FALSE(end.receive(behind, "world").any());
    EXPECT_EQ(end.send_one().ack(), end.peer_next);
    EXPECT_EQ(end->readable(), 0U);
    EXPECT_TRUE(end.receive_next("hello").has(Event::Readable));
    // A filled hole is acknowledged at once.
    EXPECT_EQ(end.send_one().ack(), end.peer_next + 5);
    EXPECT_EQ(end.read(), "helloworld");
}

TEST(OutOfOrder, FirstCopyOfAByteCounts) {
    OneEnd end;
    end.establish();
    wire::TcpHeader behind = end.ack();
    behind.sequence += 2;
    end.receive(behind, "cd");
    end.receive_next("abXXe");
    EXPECT_EQ(end.read(), "abcde");
}

TEST(OutOfOrder, FloodOfPiecesIsBoundedAndSurvived) {
    OneEnd end;
    end.establish();
    for (std::uint32_t i = 0; i < 1000; ++i) {
        wire::TcpHeader piece = end.ack();
        piece.sequence += 1 + 2 * i;
        end.receive(piece, "x");
        end.drain();
    }
    EXPECT_GT(end->info().memory_refused, 900U);
    end.receive_next(std::string(2000, 'y'));
    EXPECT_EQ(end.read().size(), 2000U);
}

struct SackEnd : OneEnd {
    SackEnd() {
        settings.sack = true;
        establish();
    }
    Sent receive_at(std::uint32_t offset, std::string_view payload) {
        wire::TcpHeader header = ack();
        header.sequence += offset;
        receive(header, payload);
        return send_one();
    }
    wire::SackBlock block(std::uint32_t left, std::uint32_t right) const {
        return {peer_next.value() + left, peer_next.value() + right};
    }
    static std::vector<wire::SackBlock> blocks_of(const Sent& sent) {
        const wire::TcpOptions& options = sent.header.options;
        return {options.sack.begin(), options.sack.begin() + options.sack_blocks};
    }
};

TEST(Sack, MostRecentBlockIsFirst) {
    SackEnd end;
    EXPECT_EQ(end.blocks_of(end.receive_at(10, "xxxxx")), (std::vector{end.block(10, 15)}));
    EXPECT_EQ(end.blocks_of(end.receive_at(30, "xxxxx")),
              (std::vector{end.block(30, 35), end.block(10, 15)}));
    EXPECT_EQ(end.blocks_of(end.receive_at(20, "xxxxx")),
              (std::vector{end.block(20, 25), end.block(30, 35), end.block(10, 15)}));
    EXPECT_EQ(end.blocks_of(end.receive_at(15, "xxxxx")),
              (std::vector{end.block(10, 25), end.block(30, 35)}));
}

TEST(Sack, FourBlocksWithoutTimestampsAndThreeWith) {
    for (const bool timestamps : {false, true}) {
        OneEnd end;
        end.settings.sack = true;
        end.settings.timestamps = timestamps;
        end.establish();
        Sent last;
        for (std::uint32_t i = 1; i < 8; ++i) {
            wire::TcpHeader piece = end.ack();
            piece.sequence += 10 * i;
            end.receive(piece, "x");
            last = end.send_one();
        }
        EXPECT_EQ(last.header.options.sack_blocks, timestamps ? 3 : 4);
        EXPECT_LE(wire::header_length(last.header), wire::kMaxTcpHeaderLength);
    }
}

TEST(Sack, BlocksTakeTheirPartOfAFullSegment) {
    SackEnd end;
    end.receive_at(10, "x");
    const std::vector<Sent> sent = end.write(std::string(4000, 'x'));
    ASSERT_FALSE(sent.empty());
    for (const Sent& segment : sent)
        EXPECT_LE(wire::header_length(segment.header) + segment.payload.size(), 1480U);
    EXPECT_EQ(sent[0].payload.size(), 1448U);
}

TEST(Sack, IsNotSentUnlessAgreed) {
    OneEnd end;
    end.establish();
    wire::TcpHeader behind = end.ack();
    behind.sequence += 5;
    end.receive(behind, "world");
    EXPECT_EQ(end.send_one().header.options.sack_blocks, 0);
}

TEST(Dsack, ReportsASegmentThatWasAcknowledged) {
    SackEnd end;
    const wire::TcpHeader first = end.ack();
    end.receive_next("hello");
    end.drain();
    end.receive(first, "hello");
    const Sent sent = end.send_one();
    const std::vector<wire::SackBlock> expected{{first.sequence, first.sequence + 5}};
    EXPECT_EQ(end.blocks_of(sent), expected);
    EXPECT_EQ(sent.ack(), end.peer_next);
    // Once.
    end.receive_next("x");
    end.receive_next("y");
    EXPECT_EQ(end.send_one().header.options.sack_blocks, 0);
}

TEST(Dsack, ReportsADuplicateBehindAHoleWithinItsBlock) {
    SackEnd end;
    end.receive_at(10, "0123456789");
    EXPECT_EQ(end.blocks_of(end.receive_at(12, "234")), (std::vector{end.block(12, 15), end.block(10, 20)}));
}

TEST(Dsack, ReportsTheOldPartOfASegment) {
    SackEnd end;
    end.receive_next("hello");
    end.drain();
    wire::TcpHeader overlap = end.ack();
    overlap.sequence -= 2;
    end.receive(overlap, "loworld");
    EXPECT_EQ(end.blocks_of(end.send_one()),
              (std::vector<wire::SackBlock>{{end.peer_next.value() - 2, end.peer_next.value()}}));
    EXPECT_EQ(end.read(), "helloworld");
}

TEST(Dsack, LeavesOutBytesFarBeyondTheWindow) {
    SackEnd end;
    // It ends more than half of the sequence numbers later, which looks like before.
    wire::TcpHeader far = end.ack();
    far.sequence += 0x7FFFFFFF;
    end.receive(far, "hello");
    EXPECT_EQ(end.send_one().header.options.sack_blocks, 0);
}

// --- Window

TEST(ReceiveWindow, ShrinksByWhatIsUnreadAndNeverMovesLeft) {
    OneEnd end;
    end.establish();
    Sequence edge = end.peer_next + end->info().receive_window;
    const Sequence first_edge = edge;
    for (int i = 0; i < 20; ++i) {
        end.receive_next(std::string(1000, 'x'));
        end.run(milliseconds(100));
        const Sequence now = end.peer_next + end->info().receive_window;
        EXPECT_EQ(now, first_edge);
    }
    for (int i = 0; i < 20; ++i) {
        end.read(1000);
        end.receive_next(std::string(1000, 'x'));
        for (const Sent& sent : end.run(milliseconds(100))) {
            EXPECT_GE(sent.ack() + sent.header.window, edge);
            edge = sent.ack() + sent.header.window;
        }
    }
    EXPECT_GT(edge, first_edge);
}

TEST(ReceiveWindow, ScaledWindowNeverMovesLeft) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.establish();
    Sequence edge = end.peer_next;
    std::size_t acknowledgments = 0;
    while (end->info().receive_window > 0 && acknowledgments < 5000) {
        // An odd length each time, so that the scale cannot say the window.
        end.receive_next(std::string(std::min<std::size_t>(101, end->info().receive_window), 'x'));
        for (const Sent& sent : end.run(milliseconds(100))) {
            ++acknowledgments;
            const Sequence now = sent.ack() + (std::uint32_t{sent.header.window} << 7);
            EXPECT_GE(now, edge);
            edge = now;
        }
    }
    EXPECT_GT(acknowledgments, 100U);
    EXPECT_EQ(end.read().size(), end->info().bytes_received);
}

TEST(ReceiveWindow, ClosesAndOpensAtOnceWhenBytesAreRead) {
    OneEnd end;
    end.establish();
    end.receive_next(std::string(end->info().receive_window, 'x'));
    EXPECT_EQ(end.send_one().header.window, 0);
    end.read(100);  // a silly window is not offered
    EXPECT_TRUE(end.drain().empty());
    end.read(2900);
    EXPECT_EQ(end.send_one().header.window, 3000);
}

TEST(ReceiveWindow, SillyWindowIsNotAdvertisedOnOtherSegments) {
    OneEnd end;
    end.establish();
    end.receive_next(std::string(end->info().receive_window, 'x'));
    end.drain();
    end.read(1000);
    const std::vector<Sent> sent = end.write("x");
    ASSERT_EQ(sent.size(), 1U);
    EXPECT_EQ(sent[0].header.window, 0);
}

TEST(ReceiveWindow, ProbeOfAClosedWindowIsAcknowledgedAndItsAckCounts) {
    OneEnd end;
    end.establish();
    end.receive_next(std::string(end->info().receive_window, 'x'));
    end.drain();
    end.write("hello");
    const Events events = end.receive(end.ack(), "y");
    EXPECT_TRUE(events.has(Event::Writable));
    const Sent sent = end.send_one();
    EXPECT_EQ(sent.ack(), end.peer_next);
    EXPECT_EQ(sent.header.window, 0);
}

TEST(ReceiveWindow, GrowsWhileTheApplicationKeepsUp) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.establish(milliseconds(20));
    const std::uint32_t first = end->info().receive_window;
    for (int round = 0; round < 12; ++round) {
        std::uint32_t rest = end->info().receive_window;
        end.pass(milliseconds(20));
        while (rest > 0) {
            const std::uint32_t part = std::min(rest, 1460U);
            end.receive_next(std::string(part, 'x'));
            rest -= part;
            end.read();
            end.drain();
        }
    }
    EXPECT_GT(end->info().receive_window, 8 * first);
    EXPECT_LE(end->info().receive_window, end.settings.max_receive_buffer);
}

TEST(ReceiveWindow, DoesNotGrowForASlowReader) {
    OneEnd end;
    end.settings.window_scaling = true;
    end.establish(milliseconds(20));
    const std::uint32_t first = end->info().receive_window;
    for (int round = 0; round < 40; ++round) {
        end.receive_next(std::string(1460, 'x'));
        end.pass(milliseconds(20));
    }
    EXPECT_LE(end->info().receive_window, first);
}

TEST(ReceiveWindow, DoesNotGrowWithoutMemory) {
    OneEnd end(std::size_t{400} << 10);
    end.settings.window_scaling = true;
    end.establish(milliseconds(20));
    const std::uint32_t first = end->info().receive_window;
    for (int round = 0; round < 12; ++round) {
        std::uint32_t rest = end->info().receive_window;
        end.pass(milliseconds(20));
        while (rest > 0) {
            const std::uint32_t part = std::min(rest, 1460U);
            end.receive_next(std::string(part, 'x'));
            rest -= part;
            end.read();
            end.drain();
        }
    }
    EXPECT_LT(end->info().receive_window, 4 * first);
    EXPECT_EQ(end->info().memory_refused, 0U);
}

TEST(ReceiveMemory, BytesThatFindNoMemoryAreDroppedAndCounted) {
    OneEnd end(std::size_t{64} << 10);
    end.establish();
    void* const all = end.arena.allocate(32 << 10);
    void* block = nullptr;
    std::vector<void*> blocks{all};
    while ((block = end.arena.allocate(256)) != nullptr)
        blocks.push_back(block);
    const Events events = end.receive(end.ack(), "hello");
    EXPECT_TRUE(events.has(Event::MemoryRefused));
    EXPECT_FALSE(events.has(Event::Readable));
    EXPECT_EQ(end->info().memory_refused, 1U);
    for (void* at : blocks)
        end.arena.release(at);
    EXPECT_TRUE(end.receive_next("hello").has(Event::Readable));
    EXPECT_EQ(end.read(), "hello");
}

TEST(ReceiveMemory, NothingUnreadHoldsNothing) {
    OneEnd end;
    end.establish();
    EXPECT_EQ(end.arena.free_bytes(), end.arena.size());
    end.receive_next("hello");
    EXPECT_EQ(end->info().arena_bytes, end.settings.min_buffer);
    end.read();
    EXPECT_EQ(end.arena.free_bytes(), end.arena.size());
}

TEST(Peek, ShowsBytesWithoutTakingThem) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    EXPECT_EQ(end->peek().size(), 5U);
    end->consume(2);
    EXPECT_EQ(end.read(), "llo");
}

// --- Echo

TEST(Echo, SendsBackWhatArrivesWithoutACopy) {
    OneEnd end;
    end.establish();
    ASSERT_TRUE(end->echo());
    EXPECT_FALSE(end.receive_next("hello").has(Event::Readable));
    const Sent echo = end.send_one();
    EXPECT_EQ(echo.payload, "hello");
    EXPECT_EQ(echo.ack(), end.peer_next);
    // One FIFO holds what arrived and what is sent.
    EXPECT_EQ(end->info().arena_bytes, end.settings.min_buffer + 8 * sizeof(SendRecord));
    end.receive(end.ack());
    EXPECT_EQ(end.arena.free_bytes(), end.arena.size());
    EXPECT_EQ(end->write(bytes_of("x")), 0U);
    EXPECT_EQ(end->readable(), 0U);
}

TEST(Echo, TakesWhatWasUnread) {
    OneEnd end;
    end.establish();
    end.receive_next("hello");
    ASSERT_TRUE(end->echo());
    EXPECT_EQ(end.send_one().payload, "hello");
    end.receive(end.ack());
}

TEST(Echo, WindowClosesWhileThePeerDoesNotAcknowledge) {
    OneEnd end;
    end.establish();
    ASSERT_TRUE(end->echo());
    end.peer_window = 0;
    end.receive(end.ack());
    const std::uint32_t window = end->info().receive_window;
    end.receive_next(std::string(window, 'x'));
    EXPECT_EQ(end.send_one().header.window, 0);
    end.peer_window = 0xFFFF;
    end.receive(end.ack());
    std::string echoed;
    for (int i = 0; i < 100 && echoed.size() < window; ++i) {
        for (const Sent& sent : end.run(milliseconds(1)))
            echoed += sent.payload;
        end.receive(end.ack());
    }
    EXPECT_EQ(echoed, std::string(window, 'x'));
    EXPECT_GE(end->info().receive_window + OneEnd::kMss, window);
}

TEST(Echo, IsRefusedAfterAWrite) {
    OneEnd end;
    end.establish();
    end.write("x");
    EXPECT_FALSE(end->echo());
    end.receive(end.ack());
    EXPECT_TRUE(end->echo());
}

TEST(Echo, BytesAfterShutdownAreAnsweredByARst) {
    OneEnd end;
    end.establish();
    ASSERT_TRUE(end->echo());
    end->shutdown();
    end.drain();
    // They cannot be echoed after our FIN.
    EXPECT_TRUE(end.receive_next("late").has(Event::Closed));
    EXPECT_TRUE(end.send_one().header.flags.rst);
}

TEST(Echo, ShutdownSendsTheRestAndAFin) {
    OneEnd end;
    end.establish();
    ASSERT_TRUE(end->echo());
    end.receive_next("hello");
    EXPECT_TRUE(end.receive_fin().has(Event::PeerClosed));
    end->shutdown();
    const Sent last = end.send_one();
    EXPECT_EQ(last.payload, "hello");
    EXPECT_TRUE(last.header.flags.fin);
    EXPECT_TRUE(end.receive(end.ack()).has(Event::Closed));
}

TEST(Urgent, IsIgnoredAndItsByteIsOrdinary) {
    OneEnd end;
    end.establish();
    wire::TcpHeader header = end.ack();
    header.flags.urg = true;
    header.urgent_pointer = 1;
    end.receive(header, "hello");
    EXPECT_EQ(end.read(), "hello");
}

}  // namespace
}  // namespace l2echo::tcp
