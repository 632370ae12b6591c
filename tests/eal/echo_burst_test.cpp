#include "l2echo/echo/echo_burst.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <array>
#include <random>
#include <string_view>

#include "l2echo/echo/match_text.hpp"
#include "l2echo/wire/loop_check.hpp"
#include "ring_wire.hpp"
#include "test_packets.hpp"

namespace l2echo {
namespace {

using namespace packets;
using namespace std::string_view_literals;

constexpr unsigned kMbufs = 1023;
constexpr std::uint16_t kDataRoom = 2176;
constexpr wire::MacAddress kOwnMac = 0x77'00'00'00'00'02;

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
        const engine::QueuePairCounts counts = pair_.counters.read();
        EXPECT_EQ(counts.received, counts.echoed + counts.answered + counts.refused() + counts.dropped);
    }

    void SetUp() override { pair_.port = wire_.port(); }

    std::uint64_t refused(echo::Refusal reason) const {
        return pair_.counters.refused_by[static_cast<std::size_t>(reason)].read();
    }

    RingWire wire_{kMbufs, kDataRoom, 31};
    echo::PortGate gate_;
    engine::QueuePair pair_{gate_};
};

TEST_F(EchoBurst, ReturnsFramesSwappedInOrder) {
    for (std::uint8_t number = 0; number < 20; ++number)
        wire_.send(ordinary_frame(number, 60 + number));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 20);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 20u);
    for (std::uint8_t number = 0; number < 20; ++number)
        EXPECT_EQ(returned[number], swapped(ordinary_frame(number, 60 + number)));
    const engine::QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.bursts, 1u);
    EXPECT_EQ(counts.received, 20u);
    EXPECT_EQ(counts.received_bytes, 20u * 60 + 190);
    EXPECT_EQ(counts.echoed, 20u);
    EXPECT_EQ(counts.echoed_bytes, 20u * 60 + 190);
}

TEST_F(EchoBurst, HoldsNoFrameBackToFillABurst) {
    wire_.send(ordinary_frame(1));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 1);
    EXPECT_EQ(wire_.take().size(), 1u);
}

TEST_F(EchoBurst, AnEmptyQueueChangesNothing) {
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 0);
    EXPECT_EQ(pair_.counters.read().bursts, 0u);
}

TEST_F(EchoBurst, TakesNoMoreThanItsBurst) {
    pair_.burst = 4;
    for (std::uint8_t number = 0; number < 10; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 2);
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
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 5);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(ordinary_frame(1)), swapped(ordinary_frame(2))}));
    EXPECT_EQ(refused(echo::Refusal::GroupDestination), 1u);
    EXPECT_EQ(refused(echo::Refusal::Runt), 1u);
    EXPECT_EQ(refused(echo::Refusal::BadSource), 1u);
    EXPECT_EQ(pair_.counters.read().received_bytes, 4u * 60 + 13);
    EXPECT_EQ(pair_.counters.read().echoed_bytes, 2u * 60);
}

/// What makes a frame odd, and where it is written.
constexpr std::array<std::pair<std::ptrdiff_t, std::string_view>, 7> kSpoilers{{
    {0, "\x03"sv},
    {6, "\x03"sv},
    {6, "\0\0\0\0\0\0"sv},
    {6, "\x02\0\0\0\0\xAA"sv},
    {6, "\x02\0\0\0\0\x77"sv},
    {12, "\x88\xCC"sv},
    {12, "\x88\x08"sv},
}};

TEST_F(EchoBurst, OneOddFrameAmongOrdinaryOnesIsRefusedWhereverItStands) {
    pair_.rules.own_macs.add(kOwnMac);
    for (std::size_t place = 0; place < 24; ++place)
        for (const auto& [at, bytes] : kSpoilers) {
            for (std::size_t i = 0; i < 24; ++i) {
                Bytes frame = ordinary_frame(1);
                if (i == place)
                    std::copy(bytes.begin(), bytes.end(), frame.begin() + at);
                wire_.send(frame);
            }
            EXPECT_EQ(echo::echo_burst(pair_, 1), 24);
            EXPECT_EQ(wire_.take(), std::vector<Bytes>(23, swapped(ordinary_frame(1)))) << place << " " << at;
        }
    EXPECT_EQ(refused(echo::Refusal::Loop), 24u);
    EXPECT_EQ(refused(echo::Refusal::Control), 48u);
}

struct OddLength {
    std::size_t frame;
    std::size_t first_segment;
    echo::Refusal default_rules;
    echo::Refusal raw;
};

TEST_F(EchoBurst, OneOddLengthAmongOrdinaryOnesIsTreatedForItselfWhereverItStands) {
    constexpr std::array<OddLength, 4> kOdd{{
        {1515, SIZE_MAX, echo::Refusal::Oversize, echo::Refusal::None},
        {1514, SIZE_MAX, echo::Refusal::None, echo::Refusal::None},
        {100, 13, echo::Refusal::Runt, echo::Refusal::Runt},
        {100, 14, echo::Refusal::None, echo::Refusal::None},
    }};
    for (const bool raw : {false, true})
        for (const OddLength& odd : kOdd)
            for (std::size_t place = 0; place < 24; ++place) {
                pair_.rules.raw = raw;
                const echo::Refusal refusal = raw ? odd.raw : odd.default_rules;
                const engine::QueuePairCounts before = pair_.counters.read();
                std::vector<Bytes> expected;
                std::uint64_t bytes = 0;
                for (std::size_t i = 0; i < 24; ++i) {
                    const Bytes frame = ordinary_frame(1, i == place ? odd.frame : 60 + i);
                    wire_.send(wire_.make_frame(frame, i == place ? odd.first_segment : SIZE_MAX));
                    if (i == place && refusal != echo::Refusal::None)
                        continue;
                    expected.push_back(swapped(frame));
                    bytes += frame.size();
                }
                EXPECT_EQ(echo::echo_burst(pair_, 1), 24);
                EXPECT_EQ(wire_.take(), expected) << odd.frame << " at " << place;
                const engine::QueuePairCounts after = pair_.counters.read();
                EXPECT_EQ(after.echoed_bytes - before.echoed_bytes, bytes);
                EXPECT_EQ(after.received_bytes - before.received_bytes,
                          bytes + (refusal == echo::Refusal::None ? 0 : odd.frame));
                EXPECT_EQ(after.refused() - before.refused(), refusal == echo::Refusal::None ? 0u : 1u);
            }
    EXPECT_EQ(refused(echo::Refusal::Oversize), 24u);
    EXPECT_EQ(refused(echo::Refusal::Runt), 48u);
}

TEST_F(EchoBurst, RawSwapsEverythingThatHasAHeader) {
    pair_.rules.raw = true;
    wire_.send(Bytes(60, 0));
    wire_.send(Bytes(60, 0xFF));
    wire_.send(Bytes(13, 1));
    wire_.send(ordinary_frame(1, 14));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 4);
    EXPECT_EQ(wire_.take(),
              (std::vector<Bytes>{Bytes(60, 0), Bytes(60, 0xFF), swapped(ordinary_frame(1, 14))}));
    EXPECT_EQ(refused(echo::Refusal::Runt), 1u);
}

TEST_F(EchoBurst, FreesFramesTheTxRingRefused) {
    pair_.burst = 64;
    for (std::uint8_t number = 0; number < 40; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 40);
    const engine::QueuePairCounts counts = pair_.counters.read();
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
    echo::echo_burst(pair_, rte_rdtsc());
    EXPECT_EQ(pair_.counters.tx_retries.read(), 3u);
    EXPECT_EQ(pair_.counters.dropped.read(), 9u);
    EXPECT_EQ(wire_.take().size(), 31u);
}

TEST_F(EchoBurst, EchoesFramesOfSeveralSegmentsUntouchedBehindTheHeader) {
    const Bytes frame = ordinary_frame(7, 1500);
    wire_.send(wire_.make_frame(frame, 100));
    wire_.send(wire_.make_frame(frame, 14));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(frame), swapped(frame)}));
    EXPECT_EQ(pair_.counters.received_bytes.read(), 3000u);
}

TEST_F(EchoBurst, AHeaderThatDoesNotFitTheFirstSegmentIsARunt) {
    wire_.send(wire_.make_frame(ordinary_frame(7, 100), 13));
    EXPECT_EQ(echo::echo_burst(pair_, rte_rdtsc()), 1);
    EXPECT_EQ(refused(echo::Refusal::Runt), 1u);
    EXPECT_TRUE(wire_.take().empty());
}

TEST_F(EchoBurst, DropsSegmentChainsWhole) {
    pair_.burst = 64;
    for (int i = 0; i < 40; ++i)
        wire_.send(wire_.make_frame(ordinary_frame(1, 200), 50));
    echo::echo_burst(pair_, rte_rdtsc());
    EXPECT_EQ(wire_.mbufs_in_use(), 31u * 4);
    EXPECT_EQ(pair_.counters.echoed_bytes.read(), 31u * 200);
    EXPECT_EQ(wire_.take().size(), 31u);
}

// Beyond the quick test

TEST_F(EchoBurst, AllRulesDecideOnEveryFrame) {
    pair_.rules.level = wire::SwapLevel::MacIpPort;
    pair_.rules.match.add(echo::parse_match_rule("udp-dst=53", "--match"));
    pair_.rules.match.add(echo::parse_match_rule("ethertype=0x0806", "--match"));
    const Bytes frame = udp4_frame();
    wire_.send(frame);
    wire_.send(tcp6_frame());
    wire_.send(ethernet(kOurs, kTester, {0x0806}, counting(46)));
    wire_.send(Bytes(13, 2));
    wire_.send(frame);
    EXPECT_EQ(echo::echo_burst(pair_, 1), 5);
    const Bytes expected = reference::echo_of(frame, reference::lay_out(frame, frame.size()), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{expected, expected}));
    EXPECT_EQ(refused(echo::Refusal::Unmatched), 1u);
    EXPECT_EQ(refused(echo::Refusal::NotSwappable), 1u);
    EXPECT_EQ(refused(echo::Refusal::Runt), 1u);
}

TEST_F(EchoBurst, AClosedGateRefusesWhatWouldBeEchoed) {
    gate_.arm(1000);
    const auto burst_at = [&](std::uint64_t now) {
        wire_.send(udp4_frame());
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
        EXPECT_EQ(echo::echo_burst(pair_, now), 3);
        return wire_.take().size();
    };
    EXPECT_EQ(burst_at(999), 1u);
    EXPECT_EQ(burst_at(1000), 0u);
    EXPECT_EQ(refused(echo::Refusal::Expired), 1u);
    gate_.disarm();
    EXPECT_EQ(burst_at(0), 0u);
    EXPECT_EQ(refused(echo::Refusal::Disarmed), 1u);
    EXPECT_EQ(refused(echo::Refusal::BadSource), 3u) << "those have their reason still";
    EXPECT_EQ(refused(echo::Refusal::Runt), 3u);
}

TEST_F(EchoBurst, AClosedGateClosesRawToo) {
    pair_.rules.raw = true;
    gate_.disarm();
    wire_.send(Bytes(60, 0));
    wire_.send(Bytes(13, 2));
    EXPECT_EQ(echo::echo_burst(pair_, 1), 2);
    EXPECT_EQ(refused(echo::Refusal::Disarmed), 1u);
    EXPECT_EQ(refused(echo::Refusal::Runt), 1u);
    EXPECT_TRUE(wire_.take().empty());
}

TEST_F(EchoBurst, TracedFramesAreTreatedAsTheOthersAre) {
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    pair_.trace = &trace;
    const auto one_burst = [&] {
        wire_.send(udp4_frame());
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
        wire_.send(wire_.make_frame(tcp6_frame(), 20));
        EXPECT_EQ(echo::echo_burst(pair_, 42), 4);
        return wire_.take();
    };
    const auto untraced = one_burst();
    engine::TraceRecord record;
    EXPECT_FALSE(trace.read(record)) << "nobody asked";
    budget.set(3);
    EXPECT_EQ(one_burst(), untraced);
    EXPECT_EQ(untraced, (std::vector<Bytes>{swapped(udp4_frame()), swapped(tcp6_frame())}));
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.tsc, 42u);
    EXPECT_EQ(record.decision.fate, engine::Decision::Fate::Echo);
    EXPECT_EQ(std::memcmp(record.bytes.data(), udp4_frame().data(), 60), 0) << "as received";
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.decision.reason, echo::Refusal::BadSource);
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.decision.reason, echo::Refusal::Runt);
    EXPECT_EQ(record.captured, 13u);
    EXPECT_FALSE(trace.read(record)) << "the budget was three";
    EXPECT_FALSE(budget.wanted());
}

TEST_F(EchoBurst, TracedRawFramesAreSwappedBlindly) {
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    pair_.trace = &trace;
    pair_.rules.raw = true;
    budget.set(10);
    wire_.send(Bytes(60, 0xFF));
    wire_.send(ethernet(kBroadcast, kTester, {0x8808}, counting(46)));
    EXPECT_EQ(echo::echo_burst(pair_, 1), 2);
    EXPECT_EQ(wire_.take(),
              (std::vector<Bytes>{Bytes(60, 0xFF), ethernet(kTester, kBroadcast, {0x8808}, counting(46))}));
    engine::TraceRecord record;
    ASSERT_TRUE(trace.read(record));
    EXPECT_TRUE(record.raw);
}

// Answers

echo::AnswerRules answer_rules() {
    echo::AnswerRules rules;
    rules.own_mac = kOurMac;
    echo::parse_interface("192.0.2.1/24", "--ip", rules);
    echo::parse_interface("2001:db8::1/64", "--ip", rules);
    return rules;
}
Bytes arp_request() {
    return ethernet(
        kBroadcast, kTester, {0x0806},
        join({word(1), word(0x0800), {6, 4}, word(1), kTester, kTester4, Bytes(6), kOur4, Bytes(18)}));
}
Bytes solicitation_without_option() {
    return ethernet({0x33, 0x33, 0xFF, 0, 0, 1}, kTester, {0x86DD},
                    ipv6({58, kTester6, kSolicited6, 255}, join({{135, 0}, word(0), Bytes(4), kOur6})));
}

TEST_F(EchoBurst, AnswersAreCountedApartAndSentBehindTheEchoes) {
    pair_.rules.answers = answer_rules();
    wire_.send(arp_request());
    wire_.send(udp4_frame());
    wire_.send(solicitation_without_option());
    wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 4);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 4u);
    EXPECT_EQ(returned[0], swapped(udp4_frame()));
    EXPECT_EQ(returned[1], swapped(udp4_frame()));
    EXPECT_EQ(returned[2][21], 2) << "an ARP reply";
    EXPECT_EQ(returned[3].size(), 86u) << "an advertisement, longer than what was asked";
    const engine::QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.answered, 2u);
    EXPECT_EQ(counts.echoed, 2u);
    EXPECT_EQ(counts.echoed_bytes, 120u);
    EXPECT_EQ(counts.received_bytes, 120u + 60 + 78) << "as long as they came in";
}

TEST_F(EchoBurst, AnswersAreGivenWhileTheGateIsClosed) {
    pair_.rules.answers = answer_rules();
    gate_.disarm();
    wire_.send(arp_request());
    wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 2);
    EXPECT_EQ(wire_.take().size(), 1u);
    EXPECT_EQ(pair_.counters.answered.read(), 1u);
    EXPECT_EQ(refused(echo::Refusal::Disarmed), 1u);
}

TEST_F(EchoBurst, AnswersThatTheTxRingRefusedAreDropped) {
    pair_.burst = 64;
    pair_.tx_retries = 2;
    pair_.rules.answers = answer_rules();
    for (int i = 0; i < 3; ++i)
        wire_.send(arp_request());
    for (int i = 0; i < 30; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 33);
    const engine::QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.echoed, 30u);
    EXPECT_EQ(counts.answered, 1u);
    EXPECT_EQ(counts.dropped, 2u);
    EXPECT_EQ(counts.tx_retries, 2u);
    EXPECT_EQ(counts.echoed_bytes, 30u * 60);
    wire_.send(arp_request());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 1);
    EXPECT_EQ(pair_.counters.read().dropped, 3u) << "a burst of nothing but answers";
    EXPECT_EQ(wire_.take().size(), 31u);
}

// Rate

TEST_F(EchoBurst, TheRateIsHeldByRulesAndRawAlike) {
    for (const bool raw : {false, true}) {
        pair_.rules.raw = raw;
        pair_.rate = echo::RateLimit(1000, 0, 1e9);  // 33 at once, then one every million cycles
        const std::uint64_t over_before = refused(echo::Refusal::OverRate);
        std::size_t returned = 0;
        for (int burst = 0; burst < 2; ++burst) {
            for (int i = 0; i < 20; ++i)
                wire_.send(udp4_frame());
            EXPECT_EQ(echo::echo_burst(pair_, 5'000'000), 20);
            returned += wire_.take().size();
        }
        EXPECT_EQ(returned, 33u);
        EXPECT_EQ(refused(echo::Refusal::OverRate) - over_before, 7u);
        wire_.send(udp4_frame());
        echo::echo_burst(pair_, 5'999'999);
        EXPECT_EQ(wire_.take().size(), 0u);
        wire_.send(udp4_frame());
        wire_.send(udp4_frame());
        echo::echo_burst(pair_, 6'000'000);
        EXPECT_EQ(wire_.take().size(), 1u);
    }
}

TEST_F(EchoBurst, RefusedFramesAndAnswersUseUpNoRate) {
    pair_.rate = echo::RateLimit(1000, 0, 1e9);
    pair_.rules.answers = answer_rules();
    for (int i = 0; i < 20; ++i) {
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
    }
    EXPECT_EQ(echo::echo_burst(pair_, 1), 32);
    EXPECT_EQ(echo::echo_burst(pair_, 1), 8);
    for (int i = 0; i < 20; ++i)
        wire_.send(arp_request());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 20);
    EXPECT_EQ(wire_.take().size(), 20u);
    for (int i = 0; i < 31; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 31);
    EXPECT_EQ(wire_.take().size(), 31u);
    EXPECT_EQ(refused(echo::Refusal::OverRate), 0u);
}

// Loop checks

TEST_F(EchoBurst, ALoopCheckClosesTheGateFromTheNextBurstOn) {
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    pair_.pool = pool.get();
    pair_.rules.own_mac = kOurMac;
    ASSERT_TRUE(echo::send_loop_check(pair_));
    const auto sent = wire_.take();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(pair_.counters.checks_sent.read(), 1u);
    wire_.send(swapped(sent[0]));
    wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(udp4_frame())})) << "of the check's own burst";
    EXPECT_EQ(gate_.facing(), echo::Facing::OurOwnChecks);
    wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 1);
    EXPECT_TRUE(wire_.take().empty());
    EXPECT_EQ(refused(echo::Refusal::FacingReflector), 2u);
    gate_.arm();
    wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 1);
    EXPECT_EQ(wire_.take().size(), 1u);
    EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0u);
}

TEST_F(EchoBurst, WithoutLoopChecksNoneIsHeededNorReturned) {
    Bytes check(wire::kLoopCheckLength);
    wire::write_loop_check(reinterpret_cast<std::byte*>(check.data()), kTesterMac, 5);
    wire_.send(check);
    EXPECT_EQ(echo::echo_burst(pair_, 1), 1);
    EXPECT_TRUE(wire_.take().empty());
    EXPECT_EQ(refused(echo::Refusal::FacingReflector), 1u);
    EXPECT_EQ(gate_.facing(), echo::Facing::Nobody);
    pair_.rules.raw = true;
    wire_.send(check);
    EXPECT_EQ(echo::echo_burst(pair_, 1), 1);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(check)})) << "raw is blind";
}

TEST_F(EchoBurst, ALoopCheckThatCannotLeaveGoesBackToItsPool) {
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    pair_.pool = pool.get();
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(echo::send_loop_check(pair_));
    EXPECT_FALSE(echo::send_loop_check(pair_)) << "the pool is empty";
    wire_.take();
    for (int i = 0; i < 31; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(echo::echo_burst(pair_, 1), 31);
    EXPECT_FALSE(echo::send_loop_check(pair_)) << "the TX ring is full";
    EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0u);
    EXPECT_EQ(pair_.counters.checks_sent.read(), 3u);
    wire_.take();
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
        while (echo::echo_burst(pair_, rte_rdtsc()) != 0) {
        }
        returned += wire_.take().size();
    }
    EXPECT_EQ(pair_.counters.received.read(), static_cast<std::uint64_t>(kFrames));
    EXPECT_EQ(pair_.counters.echoed.read(), returned);
    EXPECT_GT(returned, 100'000u);
}

/// Frames that somebody may answer, damaged at random.
Bytes random_request(std::mt19937& random) {
    Bytes frame = random() % 2 == 0 ? arp_request() : solicitation_without_option();
    for (unsigned changes = random() % 3; changes > 0; --changes)
        frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    frame.resize(frame.size() - random() % 3 * (random() % 30));
    return frame;
}

TEST_F(EchoBurst, WhateverTheRulesEveryFrameHasOneFate) {
    std::mt19937 random(7);
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    pair_.trace = &trace;
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    std::uint64_t returned = 0;
    for (std::uint64_t round = 0; round < 20'000; ++round) {
        echo::WireRules rules;
        rules.own_mac = kOurMac;
        rules.level = static_cast<wire::SwapLevel>(random() % 3);
        rules.accept_own_only = random() % 4 == 0;
        rules.group_own_source = random() % 4 == 0;
        rules.raw = random() % 4 == 0 && rules.level == wire::SwapLevel::Mac;
        if (random() % 2 == 0)
            rules.answers = answer_rules();
        pair_.rules = rules;
        pair_.rate = random() % 4 == 0 ? echo::RateLimit(1000, 0, 1e9) : echo::RateLimit();
        pair_.pool = random() % 2 == 0 ? pool.get() : nullptr;
        pair_.tx_retries = random() % 3;
        budget.set(random() % 4 == 0 ? 8 : 0);
        gate_.arm(random() % 8 == 0 ? round : echo::PortGate::kNever);
        for (int i = 0; i < 16; ++i) {
            const Bytes frame = random() % 4 == 0 ? random_request(random) : random_frame(random);
            wire_.send(wire_.make_frame(frame, random() % 4 == 0 ? 1 + random() % 40 : SIZE_MAX));
        }
        ASSERT_EQ(echo::echo_burst(pair_, round), 16);
        if (random() % 8 == 0)
            returned += wire_.take().size();
        for (engine::TraceRecord record; trace.read(record);) {
        }
    }
    returned += wire_.take().size();
    const engine::QueuePairCounts counts = pair_.counters.read();
    EXPECT_EQ(counts.echoed + counts.answered, returned);
    EXPECT_GT(counts.answered, 1000u);
    EXPECT_GT(counts.dropped, 1000u);
}

}  // namespace
}  // namespace l2echo
