#include "l2echo/dataplane/echo_burst.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <array>
#include <random>

#include "ring_wire.hpp"

namespace l2echo {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kMbufs = 1023;
constexpr std::uint16_t kDataRoom = 2176;

Bytes ordinary_frame(std::uint8_t number, std::size_t length = 60) {
    constexpr std::array<std::uint8_t, 14> kHeader{0x02, 0, 0, 0, 0,    0xAA, 0x02,
                                                   0,    0, 0, 0, 0xBB, 0x08, 0x00};
    Bytes frame(length, number);
    std::copy(kHeader.begin(), kHeader.end(), frame.begin());
    return frame;
}

Bytes swapped(Bytes frame) {
    std::rotate(frame.begin(), frame.begin() + 6, frame.begin() + 12);
    return frame;
}

class EchoBurst : public testing::Test {
  protected:
    void TearDown() override {
        EXPECT_EQ(wire_.mbufs_in_use(), 0u) << "an mbuf did not go back to its pool";
        const QueuePairCounts counts = pair_.counters.read();
        EXPECT_EQ(counts.received, counts.echoed + counts.answered + counts.refused() + counts.dropped);
    }

    void SetUp() override { pair_.port = wire_.port(); }

    std::uint64_t refused(Refusal reason) const {
        return pair_.counters.refused_by[static_cast<std::size_t>(reason)].read();
    }

    RingWire wire_{kMbufs, kDataRoom, 31};
    PortGate gate_;
    QueuePair pair_{gate_};
};

TEST_F(EchoBurst, ReturnsFramesSwappedInOrder) {
    for (std::uint8_t number = 0; number < 20; ++number)
        wire_.send(ordinary_frame(number, 60 + number));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 20);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 20u);
    for (std::uint8_t number = 0; number < 20; ++number)
        EXPECT_EQ(returned[number], swapped(ordinary_frame(number, 60 + number)));
    const QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.bursts, 1u);
    EXPECT_EQ(counts.received, 20u);
    EXPECT_EQ(counts.received_bytes, 20u * 60 + 190);
    EXPECT_EQ(counts.echoed, 20u);
    EXPECT_EQ(counts.echoed_bytes, 20u * 60 + 190);
}

TEST_F(EchoBurst, HoldsNoFrameBackToFillABurst) {
    wire_.send(ordinary_frame(1));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 1);
    EXPECT_EQ(wire_.take().size(), 1u);
}

TEST_F(EchoBurst, AnEmptyQueueChangesNothing) {
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 0);
    EXPECT_EQ(pair_.counters.read().bursts, 0u);
}

TEST_F(EchoBurst, TakesNoMoreThanItsBurst) {
    pair_.burst = 4;
    for (std::uint8_t number = 0; number < 10; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 2);
    EXPECT_EQ(wire_.take().size(), 10u);
}

TEST_F(EchoBurst, FreesAndCountsWhatItRefusesAndEchoesTheRestInOrder) {
    Bytes broadcast = ordinary_frame(9);
    std::fill(broadcast.begin(), broadcast.begin() + 6, 0xFF);
    wire_.send(ordinary_frame(1));
    wire_.send(broadcast);
    wire_.send(Bytes(13, 0x02));
    wire_.send(ordinary_frame(2));
    wire_.send(Bytes(60, 0));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 5);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(ordinary_frame(1)), swapped(ordinary_frame(2))}));
    EXPECT_EQ(refused(Refusal::GroupDestination), 1u);
    EXPECT_EQ(refused(Refusal::Runt), 1u);
    EXPECT_EQ(refused(Refusal::BadSource), 1u);
    EXPECT_EQ(pair_.counters.read().received_bytes, 4u * 60 + 13);
    EXPECT_EQ(pair_.counters.read().echoed_bytes, 2u * 60);
}

TEST_F(EchoBurst, RawSwapsEverythingThatHasAHeader) {
    pair_.rules.raw = true;
    wire_.send(Bytes(60, 0));
    wire_.send(Bytes(60, 0xFF));
    wire_.send(Bytes(13, 1));
    wire_.send(ordinary_frame(1, 14));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(wire_.take(),
              (std::vector<Bytes>{Bytes(60, 0), Bytes(60, 0xFF), swapped(ordinary_frame(1, 14))}));
    EXPECT_EQ(refused(Refusal::Runt), 1u);
}

TEST_F(EchoBurst, FreesFramesTheTxRingRefused) {
    pair_.burst = 64;
    for (std::uint8_t number = 0; number < 40; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 40);
    const QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.echoed, 31u);
    EXPECT_EQ(counts.dropped, 9u);
    EXPECT_EQ(counts.echoed_bytes, 31u * 60);
    EXPECT_EQ(wire_.mbufs_in_use(), 31u);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 31u);
    EXPECT_EQ(returned.back(), swapped(ordinary_frame(30)))
        << "the last of the burst are dropped, order is kept";
}

TEST_F(EchoBurst, TriesAFullTxRingAgainAsOftenAsItIsTold) {
    pair_.burst = 64;
    pair_.tx_retries = 3;
    for (std::uint8_t number = 0; number < 40; ++number)
        wire_.send(ordinary_frame(number));
    echo_burst(pair_, rte_rdtsc());
    EXPECT_EQ(pair_.counters.tx_retries.read(), 3u);
    EXPECT_EQ(pair_.counters.dropped.read(), 9u);
    EXPECT_EQ(wire_.take().size(), 31u);
}

TEST_F(EchoBurst, EchoesFramesOfSeveralSegmentsUntouchedBehindTheHeader) {
    const Bytes frame = ordinary_frame(7, 1500);
    wire_.send(wire_.make_frame(frame, 100));
    wire_.send(wire_.make_frame(frame, 14));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(frame), swapped(frame)}));
    EXPECT_EQ(pair_.counters.received_bytes.read(), 3000u);
}

TEST_F(EchoBurst, AHeaderThatDoesNotFitTheFirstSegmentIsARunt) {
    wire_.send(wire_.make_frame(ordinary_frame(7, 100), 13));
    EXPECT_EQ(echo_burst(pair_, rte_rdtsc()), 1);
    EXPECT_EQ(refused(Refusal::Runt), 1u);
    EXPECT_TRUE(wire_.take().empty());
}

TEST_F(EchoBurst, DropsSegmentChainsWhole) {
    pair_.burst = 64;
    for (int i = 0; i < 40; ++i)
        wire_.send(wire_.make_frame(ordinary_frame(1, 200), 50));
    echo_burst(pair_, rte_rdtsc());
    EXPECT_EQ(wire_.mbufs_in_use(), 31u * 4);
    EXPECT_EQ(wire_.take().size(), 31u);
}

/// Lengths, contents and segment borders at random; half of them near enough to a frame to get past the first
/// rules.
Bytes random_frame(std::mt19937& random) {
    Bytes frame(random() % 300);
    for (auto& byte : frame)
        byte = static_cast<std::uint8_t>(random());
    if (frame.size() >= 18 && random() % 2 == 0) {
        const Bytes header = ordinary_frame(0, 14);
        std::copy(header.begin(), header.end(), frame.begin());
        frame[12] = random() % 2 == 0 ? 0x81 : 0x08;
        frame[13] = 0;
    }
    return frame;
}

TEST_F(EchoBurst, AMillionRandomFramesNeitherCrashNorLeak) {
    constexpr int kFrames = 1'000'000;
    std::mt19937 random(4);
    std::uint64_t returned = 0;
    for (int sent = 0; sent < kFrames;) {
        for (int i = 0; i < 16; ++i, ++sent) {
            const Bytes frame = random_frame(random);
            wire_.send(wire_.make_frame(frame, random() % 4 == 0 ? 1 + random() % 40 : SIZE_MAX));
        }
        while (echo_burst(pair_, rte_rdtsc()) != 0) {
        }
        returned += wire_.take().size();
    }
    EXPECT_EQ(pair_.counters.received.read(), static_cast<std::uint64_t>(kFrames));
    EXPECT_EQ(pair_.counters.echoed.read(), returned);
    EXPECT_GT(returned, 100'000u);
}

}  // namespace
}  // namespace l2echo
