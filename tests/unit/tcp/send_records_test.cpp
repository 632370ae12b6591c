#include "l2echo/tcp/send_records.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <random>
#include <vector>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;

constexpr Sequence kFirstByte(0xFFFF'FFFF - 4499);  // segment 4 wraps
constexpr std::uint32_t kLength = 1000;
constexpr std::uint32_t kNoLimit = 1U << 16;

/// Segments of 1000 bytes are sent at 0, 1, 2 ... ms, and bytes are counted from the first.
class Records : public testing::Test {
  protected:
    static constexpr std::size_t kMemory = 1U << 20;

    ~Records() override {
        EXPECT_EQ(records.check_invariants(), nullptr);
        records.release_memory(arena);
        EXPECT_EQ(arena.free_bytes(), arena.size());
        EXPECT_EQ(records.check_invariants(), nullptr);
    }

    void send(int segments) {
        for (int i = 0; i < segments; ++i)
            ASSERT_TRUE(records.append(arena, kLength, milliseconds(sent_++), kNoLimit));
    }
    Delivery acknowledge(std::uint32_t bytes, Micros now = milliseconds(100)) {
        Delivery delivery;
        records.acknowledge(kFirstByte + bytes, {now, milliseconds(10)}, delivery);
        EXPECT_EQ(records.check_invariants(), nullptr);
        return delivery;
    }
    struct Range {
        std::uint32_t left, right;
    };
    Delivery sack(std::initializer_list<Range> ranges, Micros now = milliseconds(100)) {
        std::vector<wire::SackBlock> blocks;
        for (const Range& range : ranges)
            blocks.push_back({(kFirstByte + range.left).value(), (kFirstByte + range.right).value()});
        Delivery delivery;
        records.mark_sacked(blocks, records.una(), {now, milliseconds(10)}, delivery);
        EXPECT_EQ(records.check_invariants(), nullptr);
        return delivery;
    }
    /// All that was sent before the segment that ends at `end` and is older than `age`.
    LossMarks mark_lost(Micros sent, std::uint32_t end, Micros age, Micros now) {
        const LossMarks marks = records.mark_lost({sent, kFirstByte + end, age}, now);
        EXPECT_EQ(records.check_invariants(), nullptr);
        return marks;
    }
    /// Sends the next lost segment again, and returns where it begins, or -1.
    int resend(Micros now, std::uint32_t max = kLength) {
        const auto lost = records.next_lost(max);
        if (!lost || !records.resend(lost->begin, lost->length, now))
            return -1;
        EXPECT_EQ(records.check_invariants(), nullptr);
        return lost->begin - kFirstByte;
    }

  private:
    std::unique_ptr<std::byte[]> memory_ = std::make_unique<std::byte[]>(kMemory);
    int sent_ = 0;

  protected:
    fifo::Arena arena{std::span(memory_.get(), kMemory)};
    SendRecords records{kFirstByte};
};

TEST_F(Records, NothingIsInFlightAtFirst) {
    EXPECT_TRUE(records.empty());
    EXPECT_EQ(records.una(), kFirstByte);
    EXPECT_EQ(records.next(), kFirstByte);
    EXPECT_EQ(records.flight(), 0u);
    EXPECT_EQ(records.memory_size(), 0u);
    EXPECT_FALSE(records.next_lost(kLength));
    EXPECT_EQ(acknowledge(0).bytes, 0u);
    EXPECT_EQ(sack({{0, 1000}}).bytes, 0u) << "of data that was not sent";
    EXPECT_EQ(records.mark_all_lost(), 0u);
    EXPECT_EQ(records.mark_first_lost(), 0u);
    EXPECT_EQ(records.mark_lost_on_timeout(Micros(0), milliseconds(1)).bytes, 0u);
    EXPECT_EQ(records.assume_delivered(kLength), 0u);
}

TEST_F(Records, CumulativeAckDeliversWhatItCovers) {
    send(6);
    EXPECT_EQ(records.flight(), 6000u);
    const Delivery delivery = acknowledge(5000);
    EXPECT_EQ(delivery.bytes, 5000u);
    EXPECT_EQ(delivery.acknowledged, 5000u);
    EXPECT_EQ(delivery.oldest_sent, Micros(0));
    EXPECT_TRUE(delivery.has_newest);
    EXPECT_EQ(delivery.newest_sent, Micros(milliseconds(4)));
    EXPECT_EQ(delivery.newest_end, kFirstByte + 5000);
    EXPECT_FALSE(delivery.is_reordered);
    EXPECT_EQ(records.outstanding(), 1000u);
    EXPECT_EQ(records.segments(), 1u);
    EXPECT_EQ(records.first().begin, kFirstByte + 5000);
}

TEST_F(Records, AckWithinASegmentShortensIt) {
    send(2);
    EXPECT_EQ(acknowledge(300).bytes, 300u);
    EXPECT_EQ(records.first().length, 700);
    EXPECT_EQ(records.flight(), 1700u);
    const Delivery rest = acknowledge(1000);
    EXPECT_EQ(rest.bytes, 700u);
    EXPECT_EQ(rest.newest_end, kFirstByte + 1000);
    sack({{1000, 2000}});
    EXPECT_EQ(acknowledge(1500).bytes, 0u) << "it was delivered by SACK";
    EXPECT_EQ(records.sacked(), 500u);
}

TEST_F(Records, RingGrowsAndKeepsItsRecords) {
    send(5);
    acknowledge(3000);
    send(1000);
    EXPECT_EQ(records.segments(), 1002u);
    EXPECT_EQ(records.memory_size(), 1024u * 32);
    EXPECT_EQ(acknowledge(1'005'000).bytes, 1'002'000u);
    EXPECT_TRUE(records.empty());
}

TEST_F(Records, WithoutMemoryNoMoreIsInFlight) {
    std::vector<std::byte> memory(8192);
    fifo::Arena small(memory);
    SendRecords few(kFirstByte);
    int sent = 0;
    while (few.append(small, kLength, Micros(0), kNoLimit))
        ++sent;
    EXPECT_GT(sent, 20);
    EXPECT_LT(sent, 256);
    EXPECT_EQ(few.outstanding(), static_cast<std::uint32_t>(sent) * kLength);
    EXPECT_EQ(few.check_invariants(), nullptr);
    Delivery delivery;
    few.acknowledge(few.una() + kLength, {Micros(1), Micros(1)}, delivery);
    EXPECT_TRUE(few.append(small, kLength, Micros(0), kNoLimit));
    EXPECT_FALSE(few.append(small, kLength, Micros(0), kNoLimit));
    few.release_memory(small);
    EXPECT_EQ(small.free_bytes(), small.size());

    EXPECT_TRUE(records.append(arena, kLength, Micros(0), 2));
    EXPECT_TRUE(records.append(arena, kLength, Micros(0), 2));
    EXPECT_FALSE(records.append(arena, kLength, Micros(0), 2)) << "the limit of the settings";
}

TEST_F(Records, SackedSegmentsLeaveTheFlight) {
    send(6);
    const Delivery delivery = sack({{2000, 4000}});
    EXPECT_EQ(delivery.bytes, 2000u);
    EXPECT_EQ(delivery.sacked, 2000u);
    EXPECT_EQ(delivery.newest_sent, Micros(milliseconds(3)));
    EXPECT_EQ(delivery.oldest_sent, Micros(milliseconds(2)));
    EXPECT_EQ(records.flight(), 4000u);
    EXPECT_EQ(records.sacked_segments(), 2u);
    EXPECT_EQ(sack({{2000, 4000}}).bytes, 0u) << "known";
    EXPECT_EQ(sack({{5000, 6000}, {2000, 4000}}).bytes, 1000u);
    EXPECT_EQ(acknowledge(4000).bytes, 2000u) << "the other half was delivered before";
    EXPECT_EQ(records.sacked(), 1000u);
    EXPECT_EQ(records.flight(), 1000u);
}

TEST_F(Records, BlocksOutsideTheFlightAreIgnored) {
    send(4);
    acknowledge(1000);
    EXPECT_EQ(sack({{3000, 5000}}).bytes, 0u) << "beyond what was sent";
    EXPECT_EQ(sack({{3000, 3000}}).bytes, 0u) << "empty";
    EXPECT_EQ(sack({{3000, 2000}}).bytes, 0u) << "backwards";
    EXPECT_EQ(sack({{0, 1000}}).bytes, 0u) << "acknowledged";
    EXPECT_EQ(sack({{0, 2000}}).bytes, 1000u) << "the part that is in flight";
}

TEST_F(Records, SackWithinASegmentSplitsIt) {
    send(7);
    const Delivery delivery = sack({{1400, 1600}, {3500, 4000}});
    EXPECT_EQ(delivery.bytes, 700u);
    EXPECT_EQ(records.segments(), 10u);
    EXPECT_EQ(records.sacked_segments(), 2u);
    EXPECT_EQ(records.flight(), 6300u);
    EXPECT_EQ(sack({{1000, 2000}, {3500, 4000}}).bytes, 800u);
    EXPECT_EQ(records.flight(), 5500u);
    EXPECT_EQ(acknowledge(7000).bytes, 5500u);
}

TEST_F(Records, SackThatCannotSplitCountsAsNotReceived) {
    send(6);  // of 8, and two are reserved
    EXPECT_EQ(sack({{1400, 1600}}).bytes, 0u);
    EXPECT_EQ(sack({{1400, 3000}}).bytes, 1000u) << "the whole segment of the block";
    EXPECT_EQ(records.segments(), 6u);
    acknowledge(1000);
    EXPECT_EQ(sack({{1400, 3000}}).bytes, 600u) << "asked again once there is room";
}

TEST_F(Records, HostileBlocksCannotMoveManyRecords) {
    send(5000);
    EXPECT_EQ(sack({{2'500'300, 2'500'600}}).bytes, 0u) << "the middle of a large ring";
    EXPECT_EQ(sack({{300'300, 300'600}}).bytes, 300u) << "near its start";
    EXPECT_EQ(sack({{4'700'300, 4'700'600}}).bytes, 300u) << "near its end";
}

TEST_F(Records, DsackIsRecognized) {
    send(6);
    acknowledge(3000);
    Delivery below = sack({{1000, 2000}});
    EXPECT_TRUE(below.has_dsack);
    EXPECT_EQ(below.dsack_begin, kFirstByte + 1000);
    EXPECT_EQ(below.dsack_end, kFirstByte + 2000);
    EXPECT_EQ(below.bytes, 0u);
    const Delivery within = sack({{4000, 5000}, {4000, 6000}});
    EXPECT_TRUE(within.has_dsack);
    EXPECT_EQ(within.bytes, 2000u);
    EXPECT_FALSE(sack({{4000, 6000}}).has_dsack);
    // An ACK that was overtaken: its block was in flight when it was sent.
    Delivery late;
    const wire::SackBlock block{(kFirstByte + 1000).value(), (kFirstByte + 2000).value()};
    records.mark_sacked({&block, 1}, kFirstByte, {milliseconds(100), milliseconds(10)}, late);
    EXPECT_FALSE(late.has_dsack);
}

TEST_F(Records, LateSegmentThatWasSentOnceIsReordering) {
    send(6);
    EXPECT_FALSE(sack({{4000, 5000}, {2000, 3000}}).is_reordered) << "one ACK reports both";
    EXPECT_TRUE(sack({{1000, 3000}, {4000, 5000}}).is_reordered);
    EXPECT_TRUE(acknowledge(3000).is_reordered);
    mark_lost(milliseconds(5), 6000, Micros(1), milliseconds(50));
    EXPECT_EQ(resend(milliseconds(50)), 3000);
    EXPECT_FALSE(acknowledge(5000).is_reordered) << "it was sent again";
}

TEST_F(Records, SegmentsSentBeforeADeliveredOneAreLostAfterTheWindow) {
    send(6);
    sack({{3000, 4000}});
    // The delivered one was sent at 3 ms.
    LossMarks marks = mark_lost(milliseconds(3), 4000, milliseconds(20), milliseconds(21));
    EXPECT_EQ(marks.bytes, 2000u) << "sent at 0 and 1 ms";
    EXPECT_EQ(marks.deadline, Micros(milliseconds(22)));
    EXPECT_EQ(records.lost(), 2000u);
    EXPECT_EQ(records.flight(), 3000u);
    marks = mark_lost(milliseconds(3), 4000, milliseconds(20), milliseconds(22));
    EXPECT_EQ(marks.bytes, 1000u);
    EXPECT_FALSE(marks.deadline) << "those at 4 and 5 ms were sent later";
    marks = mark_lost(milliseconds(3), 4000, milliseconds(20), milliseconds(99));
    EXPECT_EQ(marks.bytes, 0u);
}

TEST_F(Records, SequenceDecidesWithinABurst) {
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(records.append(arena, kLength, milliseconds(7), kNoLimit));
    sack({{2000, 3000}});
    EXPECT_EQ(mark_lost(milliseconds(7), 3000, milliseconds(10), milliseconds(17)).bytes, 2000u);
    EXPECT_EQ(records.flight(), 1000u) << "the last of the burst comes after the delivered one";
}

TEST_F(Records, LostSegmentsAreSentAgainInSequence) {
    send(6);
    sack({{5000, 6000}});
    mark_lost(milliseconds(5), 6000, Micros(1), milliseconds(20));
    EXPECT_EQ(records.lost(), 5000u);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(resend(milliseconds(20 + i)), i * 1000);
    EXPECT_EQ(resend(milliseconds(30)), -1);
    EXPECT_EQ(records.lost(), 0u);
    EXPECT_EQ(records.flight(), 5000u);
}

TEST_F(Records, LostRetransmissionIsFoundByTheOrderOfTimes) {
    send(6);
    sack({{5000, 6000}});
    mark_lost(milliseconds(5), 6000, Micros(1), milliseconds(20));
    for (int i = 0; i < 5; ++i)
        resend(milliseconds(20 + i));
    // The third retransmission is delivered: the first two were sent before it.
    const Delivery delivery = sack({{2000, 3000}, {5000, 6000}}, milliseconds(40));
    EXPECT_TRUE(delivery.has_newest);
    EXPECT_TRUE(delivery.newest_was_resent);
    EXPECT_FALSE(delivery.oldest_sent) << "no RTT of a segment that was sent twice (Karn)";
    EXPECT_FALSE(delivery.is_reordered);
    EXPECT_EQ(mark_lost(milliseconds(22), 3000, milliseconds(18), milliseconds(40)).bytes, 2000u);
    EXPECT_EQ(resend(milliseconds(41)), 0);
    EXPECT_EQ(records.first().times_sent, 3);
    EXPECT_EQ(records.first().first_sent, Micros(0));
    EXPECT_EQ(resend(milliseconds(41)), 1000);
}

TEST_F(Records, RetransmissionThatCannotBeTheDeliveredOneIsNoSample) {
    send(2);
    records.mark_all_lost();
    resend(milliseconds(95));
    resend(milliseconds(96));
    Delivery delivery;
    records.acknowledge(kFirstByte + 1000, {milliseconds(100), milliseconds(10)}, delivery);
    EXPECT_FALSE(delivery.has_newest) << "5 ms are less than the minimum RTT";
    EXPECT_TRUE(delivery.acknowledged_resent);
    Delivery echoed;
    records.acknowledge(kFirstByte + 2000, {milliseconds(200), milliseconds(10), milliseconds(95)}, echoed);
    EXPECT_FALSE(echoed.has_newest) << "the peer echoes a timestamp from before";
}

TEST_F(Records, AckThatCoversARetransmissionGivesNoRoundTrip) {
    send(3);
    records.mark_first_lost();
    resend(milliseconds(50));
    const Delivery delivery = acknowledge(3000);
    EXPECT_FALSE(delivery.oldest_sent) << "the others may have arrived long before";
    EXPECT_TRUE(delivery.has_newest);
}

TEST_F(Records, TimeoutMarksTheFirstAndWhatIsOld) {
    send(6);
    const LossMarks marks = records.mark_lost_on_timeout(milliseconds(20), milliseconds(22));
    EXPECT_EQ(marks.bytes, 3000u);
    EXPECT_EQ(marks.deadline, Micros(milliseconds(23)));
    for (int i = 0; i < 3; ++i)
        resend(milliseconds(22 + i));
    EXPECT_EQ(records.mark_lost_on_timeout(milliseconds(100), milliseconds(30)).bytes, 1000u)
        << "the first, although it is younger";
    EXPECT_EQ(records.mark_lost_on_timeout(milliseconds(0), milliseconds(30)).bytes, 5000u);
    EXPECT_EQ(records.flight(), 0u);
}

TEST_F(Records, RenegedSegmentsAreLostOnTimeout) {
    send(4);
    sack({{1000, 3000}});
    EXPECT_FALSE(records.is_reneged());
    acknowledge(1000);
    EXPECT_TRUE(records.is_reneged()) << "the first segment was SACKed, and is not acknowledged";
    EXPECT_EQ(records.mark_lost_on_timeout(milliseconds(50), milliseconds(10)).bytes, 2000u);
    EXPECT_EQ(records.sacked(), 0u);
    EXPECT_EQ(records.lost(), 2000u);
    EXPECT_EQ(resend(milliseconds(10)), 1000);
    EXPECT_EQ(sack({{1000, 3000}}).bytes, 2000u) << "the block is not known any more";
}

TEST_F(Records, WithoutSackEverythingIsLostOnTimeout) {
    send(4);
    records.mark_first_lost();
    resend(milliseconds(10));
    EXPECT_EQ(records.mark_all_lost(), 4000u);
    EXPECT_EQ(records.flight(), 0u);
    EXPECT_EQ(resend(milliseconds(20)), 0);
    EXPECT_EQ(acknowledge(1000).bytes, 1000u);
    EXPECT_EQ(resend(milliseconds(20)), 1000);
}

TEST_F(Records, DuplicateAcksShrinkTheFlightWithoutSack) {
    send(6);
    EXPECT_EQ(records.assume_delivered(kLength), 1000u);
    EXPECT_EQ(records.assume_delivered(kLength), 1000u);
    EXPECT_EQ(records.assume_delivered(kLength), 1000u);
    EXPECT_EQ(records.flight(), 3000u);
    records.mark_first_lost();
    EXPECT_EQ(records.flight(), 2000u);
    resend(milliseconds(20));
    // Partial ACK (RFC 6582): the hole and two segments that duplicate ACKs had reported.
    EXPECT_EQ(acknowledge(3000).bytes, 1000u);
    EXPECT_EQ(records.flight(), 2000u);
    for (int i = 0; i < 10; ++i)
        records.assume_delivered(kLength);
    EXPECT_EQ(records.flight(), 1000u) << "the first segment is missing";
    EXPECT_EQ(acknowledge(6000).bytes, 1000u);
    EXPECT_EQ(records.flight(), 0u);
}

TEST_F(Records, SpuriousMarksAreTakenBack) {
    send(6);
    sack({{5000, 6000}});
    mark_lost(milliseconds(5), 6000, Micros(1), milliseconds(20));
    resend(milliseconds(20));
    records.unmark_lost();
    EXPECT_EQ(records.lost(), 0u);
    EXPECT_EQ(records.flight(), 5000u);
    EXPECT_EQ(records.check_invariants(), nullptr);
    EXPECT_EQ(mark_lost(milliseconds(5), 6000, Micros(1), milliseconds(20)).bytes, 4000u)
        << "they can be lost again";
}

TEST_F(Records, SmallerPathMtuSplitsWhatIsSentAgain) {
    send(6);
    records.mark_all_lost();
    EXPECT_EQ(resend(milliseconds(10), 300), 0);
    EXPECT_EQ(resend(milliseconds(10), 300), 300);
    EXPECT_EQ(records.segments(), 8u);
    EXPECT_EQ(resend(milliseconds(10), 300), -1) << "the ring is full, and what was sent makes progress";
    EXPECT_EQ(acknowledge(300).bytes, 300u);
    EXPECT_EQ(resend(milliseconds(10), 300), 600);
    EXPECT_EQ(records.flight(), 600u);
    EXPECT_EQ(acknowledge(1000).bytes, 600u + 100) << "all three, and what is not yet sent again";
}

TEST_F(Records, TailLossProbeRepeatsTheLastSegment) {
    send(3);
    ASSERT_TRUE(records.resend(records.last().begin, records.last().length, milliseconds(60)));
    EXPECT_EQ(records.check_invariants(), nullptr);
    EXPECT_EQ(records.flight(), 3000u);
    EXPECT_EQ(records.last().times_sent, 2);
    const Delivery delivery = sack({{2000, 3000}}, milliseconds(100));
    EXPECT_EQ(delivery.newest_sent, Micros(milliseconds(60)));
    EXPECT_EQ(mark_lost(milliseconds(60), 3000, milliseconds(40), milliseconds(100)).bytes, 2000u);
}

// --- Random operations against a model that is slow and plain

struct ModelPiece {
    Sequence begin, end;
    Micros sent;
    int times_sent;
    enum { Outstanding, Sacked, Lost } state;

    std::uint32_t length() const { return bytes_between(begin, end); }
};

class RecordsModel {
  public:
    explicit RecordsModel(Sequence first) : una(first), highest_(first) {}

    void append(std::uint32_t length, Micros now) {
        const Sequence begin = next();
        pieces.push_back({begin, begin + length, now, 1, ModelPiece::Outstanding});
    }
    Sequence next() const { return pieces.empty() ? una : pieces.back().end; }
    std::uint32_t bytes(int state) const {
        std::uint32_t sum = 0;
        for (const ModelPiece& piece : pieces)
            sum += piece.state == state ? piece.length() : 0;
        return sum;
    }

    void acknowledge(Sequence to, const AckTime& time, Delivery& delivery) {
        while (!pieces.empty() && pieces.front().end <= to) {
            const ModelPiece& piece = pieces.front();
            if (piece.state != ModelPiece::Sacked) {
                deliver(piece, time, delivery);
                delivery.acknowledged += piece.length();
                delivery.acknowledged_resent |= piece.times_sent > 1;
            }
            pieces.erase(pieces.begin());
        }
        if (!pieces.empty() && pieces.front().begin < to) {
            if (pieces.front().state != ModelPiece::Sacked) {
                delivery.acknowledged += bytes_between(pieces.front().begin, to);
                delivery.bytes += bytes_between(pieces.front().begin, to);
            }
            pieces.front().begin = to;
        }
        if (delivery.acknowledged_resent)
            delivery.oldest_sent.reset();
        una = to;
        highest_ = later(highest_, una);
    }

    /// `room` is how many pieces may be added.
    void sack(std::vector<std::pair<Sequence, Sequence>> blocks, const AckTime& time, std::size_t capacity,
              Delivery& delivery) {
        std::sort(blocks.begin(), blocks.end(),
                  [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [left, right] : blocks)
            for (std::size_t i = 0; i < pieces.size(); ++i) {
                if (pieces[i].begin >= right || pieces[i].end <= left ||
                    pieces[i].state == ModelPiece::Sacked)
                    continue;
                if (pieces[i].begin < left) {
                    if (pieces.size() + 3 > capacity)
                        continue;
                    split(i, left);
                    continue;  // with the right part
                }
                if (pieces[i].end > right) {
                    if (pieces.size() + 3 > capacity)
                        continue;
                    split(i, right);
                }
                deliver(pieces[i], time, delivery);
                delivery.sacked += pieces[i].length();
                pieces[i].state = ModelPiece::Sacked;
            }
    }

    LossMarks mark_lost(const LossLimit& limit, Micros now) {
        LossMarks marks;
        for (ModelPiece& piece : pieces) {
            if (piece.state != ModelPiece::Outstanding)
                continue;
            if (piece.sent > limit.sent || (piece.sent == limit.sent && piece.end >= limit.end))
                continue;
            const Micros deadline = piece.sent + limit.age;
            if (deadline <= now) {
                marks.bytes += piece.length();
                piece.state = ModelPiece::Lost;
            } else if (!marks.deadline || deadline < *marks.deadline) {
                marks.deadline = deadline;
            }
        }
        return marks;
    }

    void split(std::size_t i, Sequence at) {
        ModelPiece rest = pieces[i];
        rest.begin = at;
        pieces[i].end = at;
        pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest);
    }
    std::size_t next_lost() const {
        std::size_t i = 0;
        while (i < pieces.size() && pieces[i].state != ModelPiece::Lost)
            ++i;
        return i;
    }

    Sequence una;
    std::vector<ModelPiece> pieces;

  private:
    void deliver(const ModelPiece& piece, const AckTime& time, Delivery& delivery) {
        delivery.bytes += piece.length();
        if (piece.times_sent == 1) {
            delivery.is_reordered |= piece.end < highest_;
            if (!delivery.oldest_sent || piece.sent < *delivery.oldest_sent)
                delivery.oldest_sent = piece.sent;
        }
        highest_ = later(highest_, piece.end);
        if (piece.times_sent > 1 && (time.now - piece.sent < time.min_rtt || piece.sent > time.echoed))
            return;
        if (delivery.has_newest && (piece.sent < delivery.newest_sent ||
                                    (piece.sent == delivery.newest_sent && piece.end <= delivery.newest_end)))
            return;
        delivery.has_newest = true;
        delivery.newest_was_resent = piece.times_sent > 1;
        delivery.newest_sent = piece.sent;
        delivery.newest_end = piece.end;
    }

    Sequence highest_;
};

void expect_same_delivery(const Delivery& delivery, const Delivery& expected) {
    ASSERT_EQ(delivery.bytes, expected.bytes);
    ASSERT_EQ(delivery.acknowledged, expected.acknowledged);
    ASSERT_EQ(delivery.sacked, expected.sacked);
    ASSERT_EQ(delivery.oldest_sent, expected.oldest_sent);
    ASSERT_EQ(delivery.acknowledged_resent, expected.acknowledged_resent);
    ASSERT_EQ(delivery.is_reordered, expected.is_reordered);
    ASSERT_EQ(delivery.has_newest, expected.has_newest);
    if (expected.has_newest) {
        ASSERT_EQ(delivery.newest_sent, expected.newest_sent);
        ASSERT_EQ(delivery.newest_end, expected.newest_end);
        ASSERT_EQ(delivery.newest_was_resent, expected.newest_was_resent);
    }
}

class RandomRecords : public testing::TestWithParam<unsigned> {};

TEST_P(RandomRecords, AgreeWithTheModel) {
    std::mt19937 random(GetParam());
    const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
    std::vector<std::byte> memory(1U << 18);
    fifo::Arena arena(memory);
    const Sequence first(0xFFFF'FFFF - below(20'000));
    SendRecords records(first);
    RecordsModel model(first);
    Micros now(1000);
    const bool aligned = below(2) == 0;  // blocks at boundaries of segments, as most peers send them
    const std::uint32_t max_segments = 4 + below(120);

    // A sequence within what is in flight.
    const auto boundary = [&] {
        if (model.pieces.empty())
            return model.una;
        const ModelPiece& piece = model.pieces[below(static_cast<std::uint32_t>(model.pieces.size()))];
        return aligned || below(4) != 0 ? piece.end : piece.begin + below(piece.length());
    };
    for (int step = 0; step < 3000; ++step) {
        now += Micros(below(3) == 0 ? 0 : below(500));
        const AckTime time{now, Micros(below(400)),
                           below(3) == 0 ? now - Micros(below(2000)) : Micros::max()};
        Delivery delivery;
        Delivery expected;
        switch (below(9)) {
            case 0:
            case 1:
            case 2:
                for (std::uint32_t i = below(8); i > 0; --i) {
                    const std::uint32_t length = 1 + below(20);
                    if (records.append(arena, length, now, max_segments))
                        model.append(length, now);
                }
                break;
            case 3: {
                const Sequence una = boundary();
                records.acknowledge(una, time, delivery);
                model.acknowledge(una, time, expected);
                break;
            }
            case 4:
            case 5: {
                std::vector<wire::SackBlock> blocks;
                std::vector<std::pair<Sequence, Sequence>> valid;
                for (std::uint32_t i = below(5); i > 0; --i) {
                    const Sequence left = boundary();
                    const Sequence right = below(30) == 0 ? model.next() + below(10) : boundary();
                    blocks.push_back({left.value(), right.value()});
                    if (left < right && right <= model.next())
                        valid.emplace_back(left, right);
                }
                model.sack(valid, time, records.memory_size() / sizeof(SendRecord), expected);
                records.mark_sacked(blocks, records.una(), time, delivery);
                break;
            }
            case 6: {
                const LossLimit limit{now - Micros(below(1000)), boundary(), Micros(below(1500))};
                const LossMarks marks = records.mark_lost(limit, now);
                const LossMarks expected_marks = model.mark_lost(limit, now);
                ASSERT_EQ(marks.bytes, expected_marks.bytes);
                ASSERT_EQ(marks.deadline, expected_marks.deadline);
                break;
            }
            case 7:
                for (std::uint32_t i = below(6); i > 0; --i) {
                    const std::uint32_t max = below(4) == 0 ? 1 + below(20) : 20;
                    const auto lost = records.next_lost(max);
                    const std::size_t piece = model.next_lost();
                    ASSERT_EQ(lost.has_value(), piece < model.pieces.size());
                    if (!lost)
                        break;
                    ASSERT_EQ(lost->begin, model.pieces[piece].begin);
                    ASSERT_EQ(lost->length, std::min(max, model.pieces[piece].length()));
                    if (!records.resend(lost->begin, lost->length, now)) {
                        ASSERT_LT(lost->length, model.pieces[piece].length());
                        break;
                    }
                    if (lost->length < model.pieces[piece].length())
                        model.split(piece, lost->begin + lost->length);
                    model.pieces[piece].state = ModelPiece::Outstanding;
                    model.pieces[piece].sent = now;
                    ++model.pieces[piece].times_sent;
                }
                break;
            default:
                if (records.empty() || below(10) != 0)
                    break;
                switch (below(4)) {
                    case 0:
                        records.mark_all_lost();
                        for (ModelPiece& piece : model.pieces)
                            if (piece.state == ModelPiece::Outstanding)
                                piece.state = ModelPiece::Lost;
                        break;
                    case 1: {
                        const Micros age(below(1000));
                        if (model.pieces.front().state == ModelPiece::Sacked)
                            for (ModelPiece& piece : model.pieces)
                                if (piece.state == ModelPiece::Sacked)
                                    piece.state = ModelPiece::Lost;
                        if (model.pieces.front().state == ModelPiece::Outstanding)
                            model.pieces.front().state = ModelPiece::Lost;
                        records.mark_lost_on_timeout(age, now);
                        model.mark_lost({Micros::max(), model.next(), age}, now);
                        break;
                    }
                    case 2:
                        records.unmark_lost();
                        for (ModelPiece& piece : model.pieces)
                            if (piece.state == ModelPiece::Lost && piece.times_sent == 1)
                                piece.state = ModelPiece::Outstanding;
                        break;
                    default:
                        if (model.pieces.back().state != ModelPiece::Sacked) {
                            ModelPiece& last = model.pieces.back();
                            ASSERT_TRUE(records.resend(last.begin, last.length(), now));
                            last.state = ModelPiece::Outstanding;
                            last.sent = now;
                            ++last.times_sent;
                        }
                }
        }
        ASSERT_EQ(records.check_invariants(), nullptr) << "step " << step;
        expect_same_delivery(delivery, expected);
        ASSERT_FALSE(HasFatalFailure()) << "step " << step;
        ASSERT_EQ(records.una(), model.una);
        ASSERT_EQ(records.next(), model.next());
        ASSERT_EQ(records.segments(), model.pieces.size());
        ASSERT_EQ(records.sacked(), model.bytes(ModelPiece::Sacked));
        ASSERT_EQ(records.lost(), model.bytes(ModelPiece::Lost));
        ASSERT_EQ(records.flight(), model.bytes(ModelPiece::Outstanding));
    }
    records.release_memory(arena);
    EXPECT_EQ(arena.free_bytes(), arena.size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRecords, testing::Range(0U, 50U));

}  // namespace
}  // namespace l2echo::tcp
