#include "l2echo/echo/echo_pair.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <array>
#include <random>
#include <string_view>

#include "echo_port_under_test.hpp"
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
    void SetUp() override { use({}); }

    void TearDown() override {
        EXPECT_EQ(wire_.mbufs_in_use(), 0u) << "an mbuf did not return to its pool";
        EXPECT_TRUE(counts().balanced());
    }

    /// A queue pair with these settings and zeroed counters.
    void use(echo::EchoPairSettings settings) {
        settings.queue_pair.port = wire_.port();
        pair_ = std::make_unique<echo::EchoPair>(settings, port_.port());
    }

    std::uint32_t burst(std::uint64_t now = 1) { return pair_->poll(now); }
    verdict::FrameCounts counts() const { return counts_of(*pair_); }
    std::uint64_t count(verdict::Count which) const { return counts()[which]; }
    std::uint64_t refused(verdict::Reason reason) const { return counts()[reason]; }

    RingWire wire_{kMbufs, kDataRoom, 31};
    EchoPortUnderTest port_;
    echo::WireRules& rules_ = port_.rules();
    echo::Gate& gate_ = port_.gate();
    std::unique_ptr<echo::EchoPair> pair_;
    std::vector<std::unique_ptr<const echo::WireRules>> retired_;
};

TEST_F(EchoBurst, ReturnsFramesSwappedInOrder) {
    for (std::uint8_t number = 0; number < 20; ++number)
        wire_.send(ordinary_frame(number, 60 + number));
    EXPECT_EQ(burst(rte_rdtsc()), 20);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 20u);
    for (std::uint8_t number = 0; number < 20; ++number)
        EXPECT_EQ(returned[number], swapped(ordinary_frame(number, 60 + number)));
    const verdict::FrameCounts counts = this->counts();
    EXPECT_EQ(counts[verdict::Count::Bursts], 1u);
    EXPECT_EQ(counts[verdict::Count::Received], 20u);
    EXPECT_EQ(counts[verdict::Count::ReceivedBytes], 20u * 60 + 190);
    EXPECT_EQ(counts[verdict::Count::Echoed], 20u);
    EXPECT_EQ(counts[verdict::Count::EchoedBytes], 20u * 60 + 190);
}

TEST_F(EchoBurst, HoldsNoFrameBackToFillABurst) {
    wire_.send(ordinary_frame(1));
    EXPECT_EQ(burst(rte_rdtsc()), 1);
    EXPECT_EQ(wire_.take().size(), 1u);
}

TEST_F(EchoBurst, AnEmptyQueueChangesNothing) {
    EXPECT_EQ(burst(rte_rdtsc()), 0);
    EXPECT_EQ(counts()[verdict::Count::Bursts], 0u);
}

TEST_F(EchoBurst, ReceivesAtMostOneBurst) {
    use({.queue_pair = {.burst = 4}});
    for (std::uint8_t number = 0; number < 10; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(burst(rte_rdtsc()), 4);
    EXPECT_EQ(burst(rte_rdtsc()), 4);
    EXPECT_EQ(burst(rte_rdtsc()), 2);
    EXPECT_EQ(wire_.take().size(), 10u);
}

TEST_F(EchoBurst, FreesAndCountsRefusedFramesAndEchoesTheRestInOrder) {
    Bytes broadcast = ordinary_frame(9);
    std::fill(broadcast.begin(), broadcast.begin() + 6, 0xFF);
    wire_.send(ordinary_frame(1));
    wire_.send(broadcast);
    wire_.send(Bytes(13, 0x02));
    wire_.send(ordinary_frame(2));
    wire_.send(Bytes(60, 0));
    EXPECT_EQ(burst(rte_rdtsc()), 5);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(ordinary_frame(1)), swapped(ordinary_frame(2))}));
    EXPECT_EQ(refused(verdict::Reason::GroupDestination), 1u);
    EXPECT_EQ(refused(verdict::Reason::Runt), 1u);
    EXPECT_EQ(refused(verdict::Reason::BadSource), 1u);
    EXPECT_EQ(counts()[verdict::Count::ReceivedBytes], 4u * 60 + 13);
    EXPECT_EQ(counts()[verdict::Count::EchoedBytes], 2u * 60);
}

/// Bytes that make a frame non-ordinary, and their offset.
constexpr std::array<std::pair<std::ptrdiff_t, std::string_view>, 7> kSpoilers{{
    {0, "\x03"sv},
    {6, "\x03"sv},
    {6, "\0\0\0\0\0\0"sv},
    {6, "\x02\0\0\0\0\xAA"sv},
    {6, "\x02\0\0\0\0\x77"sv},
    {12, "\x88\xCC"sv},
    {12, "\x88\x08"sv},
}};

TEST_F(EchoBurst, OneNonOrdinaryFrameIsRefusedAtAnyPosition) {
    rules_.own_macs.add(kOwnMac);
    for (std::size_t place = 0; place < 24; ++place)
        for (const auto& [at, bytes] : kSpoilers) {
            for (std::size_t i = 0; i < 24; ++i) {
                Bytes frame = ordinary_frame(1);
                if (i == place)
                    std::copy(bytes.begin(), bytes.end(), frame.begin() + at);
                wire_.send(frame);
            }
            EXPECT_EQ(burst(), 24);
            EXPECT_EQ(wire_.take(), std::vector<Bytes>(23, swapped(ordinary_frame(1)))) << place << " " << at;
        }
    EXPECT_EQ(refused(verdict::Reason::Loop), 24u);
    EXPECT_EQ(refused(verdict::Reason::Control), 48u);
}

struct OddLength {
    std::size_t frame;
    std::size_t first_segment;
    verdict::Reason default_rules;
    verdict::Reason raw;
};

TEST_F(EchoBurst, OneFrameOfUnusualLengthIsHandledAtAnyPosition) {
    constexpr std::array<OddLength, 4> kOdd{{
        {1515, SIZE_MAX, verdict::Reason::Oversize, verdict::Reason::None},
        {1514, SIZE_MAX, verdict::Reason::None, verdict::Reason::None},
        {100, 13, verdict::Reason::Runt, verdict::Reason::Runt},
        {100, 14, verdict::Reason::None, verdict::Reason::None},
    }};
    for (const bool raw : {false, true})
        for (const OddLength& odd : kOdd)
            for (std::size_t place = 0; place < 24; ++place) {
                rules_.raw = raw;
                const verdict::Reason refusal = raw ? odd.raw : odd.default_rules;
                const verdict::FrameCounts before = counts();
                std::vector<Bytes> expected;
                std::uint64_t bytes = 0;
                for (std::size_t i = 0; i < 24; ++i) {
                    const Bytes frame = ordinary_frame(1, i == place ? odd.frame : 60 + i);
                    wire_.send(wire_.make_frame(frame, i == place ? odd.first_segment : SIZE_MAX));
                    if (i == place && refusal != verdict::Reason::None)
                        continue;
                    expected.push_back(swapped(frame));
                    bytes += frame.size();
                }
                EXPECT_EQ(burst(), 24);
                EXPECT_EQ(wire_.take(), expected) << odd.frame << " at " << place;
                const verdict::FrameCounts after = counts();
                EXPECT_EQ(after[verdict::Count::EchoedBytes] - before[verdict::Count::EchoedBytes], bytes);
                EXPECT_EQ(after[verdict::Count::ReceivedBytes] - before[verdict::Count::ReceivedBytes],
                          bytes + (refusal == verdict::Reason::None ? 0 : odd.frame));
                EXPECT_EQ(after.refused() - before.refused(), refusal == verdict::Reason::None ? 0u : 1u);
            }
    EXPECT_EQ(refused(verdict::Reason::Oversize), 24u);
    EXPECT_EQ(refused(verdict::Reason::Runt), 48u);
}

TEST_F(EchoBurst, RawSwapsEveryFrameWithAHeader) {
    rules_.raw = true;
    wire_.send(Bytes(60, 0));
    wire_.send(Bytes(60, 0xFF));
    wire_.send(Bytes(13, 1));
    wire_.send(ordinary_frame(1, 14));
    EXPECT_EQ(burst(rte_rdtsc()), 4);
    EXPECT_EQ(wire_.take(),
              (std::vector<Bytes>{Bytes(60, 0), Bytes(60, 0xFF), swapped(ordinary_frame(1, 14))}));
    EXPECT_EQ(refused(verdict::Reason::Runt), 1u);
}

TEST_F(EchoBurst, FreesFramesTheTxRingRefused) {
    use({.queue_pair = {.burst = 64}});
    for (std::uint8_t number = 0; number < 40; ++number)
        wire_.send(ordinary_frame(number));
    EXPECT_EQ(burst(rte_rdtsc()), 40);
    const verdict::FrameCounts counts = this->counts();
    EXPECT_EQ(counts[verdict::Count::Echoed], 31u);
    EXPECT_EQ(counts[verdict::Count::Dropped], 9u);
    EXPECT_EQ(counts[verdict::Count::EchoedBytes], 31u * 60);
    EXPECT_EQ(wire_.mbufs_in_use(), 31u);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 31u);
    EXPECT_EQ(returned.back(), swapped(ordinary_frame(30)))
        << "the end of the burst is dropped, and order is kept";
}

TEST_F(EchoBurst, RetriesAFullTxRingAsConfigured) {
    use({.queue_pair = {.burst = 64, .tx_retries = 3}});
    for (std::uint8_t number = 0; number < 40; ++number)
        wire_.send(ordinary_frame(number));
    burst(rte_rdtsc());
    EXPECT_EQ(count(verdict::Count::TxRetries), 3u);
    EXPECT_EQ(count(verdict::Count::Dropped), 9u);
    EXPECT_EQ(wire_.take().size(), 31u);
}

TEST_F(EchoBurst, EchoesMultiSegmentFramesUnchangedAfterTheHeader) {
    const Bytes frame = ordinary_frame(7, 1500);
    wire_.send(wire_.make_frame(frame, 100));
    wire_.send(wire_.make_frame(frame, 14));
    EXPECT_EQ(burst(rte_rdtsc()), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(frame), swapped(frame)}));
    EXPECT_EQ(count(verdict::Count::ReceivedBytes), 3000u);
}

TEST_F(EchoBurst, HeaderSplitAcrossSegmentsIsARunt) {
    wire_.send(wire_.make_frame(ordinary_frame(7, 100), 13));
    EXPECT_EQ(burst(rte_rdtsc()), 1);
    EXPECT_EQ(refused(verdict::Reason::Runt), 1u);
    EXPECT_TRUE(wire_.take().empty());
}

TEST_F(EchoBurst, DropsWholeSegmentChains) {
    use({.queue_pair = {.burst = 64}});
    for (int i = 0; i < 40; ++i)
        wire_.send(wire_.make_frame(ordinary_frame(1, 200), 50));
    burst(rte_rdtsc());
    EXPECT_EQ(wire_.mbufs_in_use(), 31u * 4);
    EXPECT_EQ(count(verdict::Count::EchoedBytes), 31u * 200);
    EXPECT_EQ(wire_.take().size(), 31u);
}

// Beyond the fast path

TEST_F(EchoBurst, AppliesAllRulesToEveryFrame) {
    rules_.level = wire::SwapLevel::MacIpPort;
    rules_.match.add(echo::parse_match_rule("udp-dst=53", "--match"));
    rules_.match.add(echo::parse_match_rule("ethertype=0x0806", "--match"));
    const Bytes frame = udp4_frame();
    wire_.send(frame);
    wire_.send(tcp6_frame());
    wire_.send(ethernet(kOurs, kTester, {0x0806}, counting(46)));
    wire_.send(Bytes(13, 2));
    wire_.send(frame);
    EXPECT_EQ(burst(), 5);
    const Bytes expected = reference::echo_of(frame, reference::lay_out(frame, frame.size()), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{expected, expected}));
    EXPECT_EQ(refused(verdict::Reason::Unmatched), 1u);
    EXPECT_EQ(refused(verdict::Reason::NotSwappable), 1u);
    EXPECT_EQ(refused(verdict::Reason::Runt), 1u);
}

TEST_F(EchoBurst, ClosedGateRefusesFramesThatWouldBeEchoed) {
    gate_.arm(1000);
    const auto burst_at = [&](std::uint64_t now) {
        wire_.send(udp4_frame());
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
        EXPECT_EQ(burst(now), 3);
        return wire_.take().size();
    };
    EXPECT_EQ(burst_at(999), 1u);
    EXPECT_EQ(burst_at(1000), 0u);
    EXPECT_EQ(refused(verdict::Reason::Expired), 1u);
    gate_.disarm();
    EXPECT_EQ(burst_at(0), 0u);
    EXPECT_EQ(refused(verdict::Reason::Disarmed), 1u);
    EXPECT_EQ(refused(verdict::Reason::BadSource), 3u) << "refused for their own reason";
    EXPECT_EQ(refused(verdict::Reason::Runt), 3u);
}

TEST_F(EchoBurst, ClosedGateAlsoStopsRaw) {
    rules_.raw = true;
    gate_.disarm();
    wire_.send(Bytes(60, 0));
    wire_.send(Bytes(13, 2));
    EXPECT_EQ(burst(), 2);
    EXPECT_EQ(refused(verdict::Reason::Disarmed), 1u);
    EXPECT_EQ(refused(verdict::Reason::Runt), 1u);
    EXPECT_TRUE(wire_.take().empty());
}

TEST_F(EchoBurst, TracedFramesGetTheSameVerdict) {
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    use({.trace = &trace});
    const auto one_burst = [&] {
        wire_.send(udp4_frame());
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
        wire_.send(wire_.make_frame(tcp6_frame(), 20));
        EXPECT_EQ(burst(42), 4);
        return wire_.take();
    };
    const auto untraced = one_burst();
    verdict::TraceRecord record;
    EXPECT_FALSE(trace.read(record)) << "no trace was requested";
    budget.set(3);
    EXPECT_EQ(one_burst(), untraced);
    EXPECT_EQ(untraced, (std::vector<Bytes>{swapped(udp4_frame()), swapped(tcp6_frame())}));
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.tsc, 42u);
    EXPECT_EQ(record.verdict.next, verdict::Next::Echo);
    EXPECT_EQ(std::memcmp(record.bytes.data(), udp4_frame().data(), 60), 0) << "as received";
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.verdict.reason, verdict::Reason::BadSource);
    ASSERT_TRUE(trace.read(record));
    EXPECT_EQ(record.verdict.reason, verdict::Reason::Runt);
    EXPECT_EQ(record.captured, 13u);
    EXPECT_FALSE(trace.read(record)) << "the budget is three frames";
    EXPECT_FALSE(budget.wanted());
}

TEST_F(EchoBurst, TracedRawFramesAreSwappedUnconditionally) {
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    use({.trace = &trace});
    rules_.raw = true;
    budget.set(10);
    wire_.send(Bytes(60, 0xFF));
    wire_.send(ethernet(kBroadcast, kTester, {0x8808}, counting(46)));
    EXPECT_EQ(burst(), 2);
    EXPECT_EQ(wire_.take(),
              (std::vector<Bytes>{Bytes(60, 0xFF), ethernet(kTester, kBroadcast, {0x8808}, counting(46))}));
    verdict::TraceRecord record;
    ASSERT_TRUE(trace.read(record));
    EXPECT_STREQ(record.echoed_as, "raw");
}

// Answers

echo::AnswerRules answer_rules() {
    echo::AnswerRules rules;
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

TEST_F(EchoBurst, CountsAnswersSeparatelyAndSendsThemAfterTheEchoes) {
    rules_.answers = answer_rules();
    wire_.send(arp_request());
    wire_.send(udp4_frame());
    wire_.send(solicitation_without_option());
    wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 4);
    const auto returned = wire_.take();
    ASSERT_EQ(returned.size(), 4u);
    EXPECT_EQ(returned[0], swapped(udp4_frame()));
    EXPECT_EQ(returned[1], swapped(udp4_frame()));
    EXPECT_EQ(returned[2][21], 2) << "an ARP reply";
    EXPECT_EQ(returned[3].size(), 86u) << "an advertisement, longer than the solicitation";
    const verdict::FrameCounts counts = this->counts();
    EXPECT_EQ(counts[verdict::Count::Answered], 2u);
    EXPECT_EQ(counts[verdict::Count::Echoed], 2u);
    EXPECT_EQ(counts[verdict::Count::EchoedBytes], 120u);
    EXPECT_EQ(counts[verdict::Count::ReceivedBytes], 120u + 60 + 78) << "lengths as received";
}

TEST_F(EchoBurst, AnswersWhileTheGateIsClosed) {
    rules_.answers = answer_rules();
    gate_.disarm();
    wire_.send(arp_request());
    wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 2);
    EXPECT_EQ(wire_.take().size(), 1u);
    EXPECT_EQ(count(verdict::Count::Answered), 1u);
    EXPECT_EQ(refused(verdict::Reason::Disarmed), 1u);
}

TEST_F(EchoBurst, DropsAnswersThatTheTxRingRefused) {
    use({.queue_pair = {.burst = 64, .tx_retries = 2}});
    rules_.answers = answer_rules();
    for (int i = 0; i < 3; ++i)
        wire_.send(arp_request());
    for (int i = 0; i < 30; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 33);
    EXPECT_EQ(count(verdict::Count::Echoed), 30u);
    EXPECT_EQ(count(verdict::Count::Answered), 1u);
    EXPECT_EQ(count(verdict::Count::Dropped), 2u);
    EXPECT_EQ(count(verdict::Count::TxRetries), 2u);
    EXPECT_EQ(count(verdict::Count::EchoedBytes), 30u * 60);
    wire_.send(arp_request());
    EXPECT_EQ(burst(), 1);
    EXPECT_EQ(count(verdict::Count::Dropped), 3u) << "a burst that contains only answers";
    EXPECT_EQ(wire_.take().size(), 31u);
}

// Rate

TEST_F(EchoBurst, RateLimitAppliesToRulesAndRaw) {
    for (const bool raw : {false, true}) {
        rules_.raw = raw;
        pair_->rate = echo::RateLimit(1000, 0, 1e9);  // 33 in the first burst, then one every million cycles
        const std::uint64_t over_before = refused(verdict::Reason::OverRate);
        std::size_t returned = 0;
        for (int turn = 0; turn < 2; ++turn) {
            for (int i = 0; i < 20; ++i)
                wire_.send(udp4_frame());
            EXPECT_EQ(burst(5'000'000), 20);
            returned += wire_.take().size();
        }
        EXPECT_EQ(returned, 33u);
        EXPECT_EQ(refused(verdict::Reason::OverRate) - over_before, 7u);
        wire_.send(udp4_frame());
        burst(5'999'999);
        EXPECT_EQ(wire_.take().size(), 0u);
        wire_.send(udp4_frame());
        wire_.send(udp4_frame());
        burst(6'000'000);
        EXPECT_EQ(wire_.take().size(), 1u);
    }
}

TEST_F(EchoBurst, NewRulesBringTheirRate) {
    const auto replace_by_rate_of = [&](double frames_per_second) {
        auto rules = std::make_unique<echo::WireRules>(rules_);
        rules->rate = frames_per_second > 0 ? echo::RateLimit(frames_per_second, 0, 1e9) : echo::RateLimit();
        retired_.push_back(port_.port().replace_rules(std::move(rules)));
    };
    const auto returned_of_40 = [&] {
        for (int turn = 0; turn < 2; ++turn) {
            for (int i = 0; i < 20; ++i)
                wire_.send(udp4_frame());
            burst();
        }
        return wire_.take().size();
    };
    EXPECT_EQ(returned_of_40(), 31u) << "what the wire holds";
    replace_by_rate_of(1e-9);
    EXPECT_EQ(returned_of_40(), 31u);
    EXPECT_EQ(refused(verdict::Reason::OverRate), 7u) << "33 pass at once";
    replace_by_rate_of(0);
    returned_of_40();
    EXPECT_EQ(refused(verdict::Reason::OverRate), 7u);
}

TEST_F(EchoBurst, RefusedFramesAndAnswersDoNotConsumeTheRate) {
    pair_->rate = echo::RateLimit(1000, 0, 1e9);
    rules_.answers = answer_rules();
    for (int i = 0; i < 20; ++i) {
        wire_.send(Bytes(60, 0));
        wire_.send(Bytes(13, 2));
    }
    EXPECT_EQ(burst(), 32);
    EXPECT_EQ(burst(), 8);
    for (int i = 0; i < 20; ++i)
        wire_.send(arp_request());
    EXPECT_EQ(burst(), 20);
    EXPECT_EQ(wire_.take().size(), 20u);
    for (int i = 0; i < 31; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 31);
    EXPECT_EQ(wire_.take().size(), 31u);
    EXPECT_EQ(refused(verdict::Reason::OverRate), 0u);
}

// Loop checks

TEST_F(EchoBurst, ReturnedLoopCheckClosesTheGateFromTheNextBurst) {
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    const std::array<echo::Gate*, 1> gates{&gate_};
    use({.loop_check = {.on = true, .pool = pool.get(), .sender = {5, 0}, .gates = gates}});
    rules_.own_mac = kOurMac;
    ASSERT_TRUE(pair_->send_loop_check());
    const auto sent = wire_.take();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(count(verdict::Count::ChecksSent), 1u);
    wire_.send(swapped(sent[0]));
    wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 2);
    EXPECT_EQ(wire_.take(), (std::vector<Bytes>{swapped(udp4_frame())}))
        << "the rest of the check's own burst";
    EXPECT_EQ(gate_.facing(), verdict::Facing::Reflector);
    wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 1);
    EXPECT_TRUE(wire_.take().empty());
    EXPECT_EQ(refused(verdict::Reason::LoopCheck), 1u);
    EXPECT_EQ(refused(verdict::Reason::FacingReflector), 1u);
    gate_.arm();
    wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 1);
    EXPECT_EQ(wire_.take().size(), 1u);
    EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0u);
}

Bytes check_of(const wire::LoopCheckSender& sender) {
    Bytes check(wire::kLoopCheckLength);
    wire::write_loop_check(reinterpret_cast<std::byte*>(check.data()), kTesterMac, sender);
    return check;
}

TEST_F(EchoBurst, ForeignLoopCheckIsEchoedOnce) {
    const Bytes check = check_of({6, 0});
    const std::array<echo::Gate*, 1> gates{&gate_};
    rules_.rate = echo::RateLimit(1e-9, 0, 1e9);
    use({.loop_check = {.sender = {5, 0}, .gates = gates}});
    const auto echoes = [&](const Bytes& frame) {
        wire_.send(frame);
        EXPECT_EQ(burst(), 1);
        return wire_.take();
    };
    const std::vector<Bytes> returned{swapped(check)};
    EXPECT_EQ(echoes(check), returned) << "the rate limit does not apply";
    EXPECT_TRUE(echoes(swapped(check)).empty()) << "the check has already been returned once";
    EXPECT_EQ(refused(verdict::Reason::LoopCheck), 1u);
    gate_.face(verdict::Facing::Loop);
    EXPECT_EQ(echoes(check), returned) << "its sender must learn about us";
    gate_.disarm();
    EXPECT_TRUE(echoes(check).empty());
    EXPECT_EQ(refused(verdict::Reason::Disarmed), 1u);
    rules_.raw = true;
    gate_.arm();
    use({});
    EXPECT_EQ(echoes(swapped(check)), (std::vector<Bytes>{check})) << "raw does not recognise checks";
}

TEST_F(EchoBurst, ForeignLoopCheckIsEchoedIfSomeFrameToItsMacCouldBe) {
    const Bytes check = check_of({6, 0});
    struct Row {
        const char* what;
        void (*change)(echo::WireRules& rules);
        verdict::Reason reason;
    };
    const std::array rows{
        Row{"any", [](echo::WireRules&) {}, verdict::Reason::None},
        Row{"own only", [](echo::WireRules& rules) { rules.accept_own_only = true; },
            verdict::Reason::NotOwn},
        Row{"the check's sender", [](echo::WireRules& rules) { rules.only_from = kTesterMac; },
            verdict::Reason::None},
        Row{"another sender", [](echo::WireRules& rules) { rules.only_from = kOurMac; },
            verdict::Reason::NotFromTester},
        Row{"sent by one of our ports", [](echo::WireRules& rules) { rules.own_macs.add(kTesterMac); },
            verdict::Reason::None},
        Row{"IP only", [](echo::WireRules& rules) { rules.level = wire::SwapLevel::MacIpPort; },
            verdict::Reason::None},
        Row{"another kind of frame",
            [](echo::WireRules& rules) { rules.match.add(echo::parse_match_rule("udp-dst=53", "--match")); },
            verdict::Reason::None},
        Row{"another MAC",
            [](echo::WireRules& rules) {
                rules.match.add(echo::parse_match_rule("dst-mac=02:00:00:00:00:01", "--match"));
            },
            verdict::Reason::Unmatched},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        rules_ = echo::WireRules({}, {.own_mac = kOurMac, .own_macs = {}});
        row.change(rules_);
        use({.loop_check = {.sender = {5, 0}}});
        wire_.send(check);
        EXPECT_EQ(burst(), 1);
        const bool echoed = row.reason == verdict::Reason::None;
        EXPECT_EQ(wire_.take(), echoed ? std::vector<Bytes>{swapped(check)} : std::vector<Bytes>{});
        if (!echoed) {
            EXPECT_EQ(refused(row.reason), 1u);
        }
        EXPECT_EQ(gate_.facing(), verdict::Facing::Nobody);
    }
}

TEST_F(EchoBurst, LoopCheckThatCannotBeSentReturnsToItsPool) {
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    use({.loop_check = {.on = true, .pool = pool.get()}});
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(pair_->send_loop_check());
    EXPECT_FALSE(pair_->send_loop_check()) << "the pool is empty";
    wire_.take();
    for (int i = 0; i < 31; ++i)
        wire_.send(udp4_frame());
    EXPECT_EQ(burst(), 31);
    EXPECT_FALSE(pair_->send_loop_check()) << "the TX ring is full";
    EXPECT_EQ(rte_mempool_in_use_count(pool.get()), 0u);
    EXPECT_EQ(count(verdict::Count::ChecksSent), 3u);
    wire_.take();
}

/// Random lengths, contents and segment boundaries. Half of the frames are plausible enough to pass the first
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

TEST_F(EchoBurst, MillionRandomFramesNeitherCrashNorLeak) {
    constexpr int kFrames = 1'000'000;
    std::mt19937 random(4);
    std::uint64_t returned = 0;
    for (int sent = 0; sent < kFrames;) {
        for (int i = 0; i < 16; ++i, ++sent) {
            const Bytes frame = random_frame(random);
            wire_.send(wire_.make_frame(frame, random() % 4 == 0 ? 1 + random() % 40 : SIZE_MAX));
        }
        while (burst(rte_rdtsc()) != 0) {
        }
        returned += wire_.take().size();
    }
    EXPECT_EQ(count(verdict::Count::Received), static_cast<std::uint64_t>(kFrames));
    EXPECT_EQ(count(verdict::Count::Echoed), returned);
    EXPECT_GT(returned, 100'000u);
}

/// Valid requests with random corruption.
Bytes random_request(std::mt19937& random) {
    Bytes frame = random() % 2 == 0 ? arp_request() : solicitation_without_option();
    for (unsigned changes = random() % 3; changes > 0; --changes)
        frame[random() % frame.size()] = static_cast<std::uint8_t>(random());
    frame.resize(frame.size() - random() % 3 * (random() % 30));
    return frame;
}

TEST_F(EchoBurst, EveryFrameHasOneVerdictUnderAnyRules) {
    std::mt19937 random(7);
    engine::TraceBudget budget;
    engine::FrameTrace trace(budget, wire_.port(), 0, SOCKET_ID_ANY);
    const dpdk::Mempool pool("loop_checks", 3, 0, kDataRoom, SOCKET_ID_ANY);
    std::uint64_t returned = 0;
    verdict::FrameCounts total;
    for (std::uint64_t round = 0; round < 20'000; ++round) {
        echo::RulesRequest request;
        request.level = static_cast<wire::SwapLevel>(random() % 3);
        request.accept_own_only = random() % 4 == 0;
        request.group_own_source = random() % 4 == 0;
        request.raw = random() % 4 == 0 && request.level == wire::SwapLevel::Mac;
        if (random() % 2 == 0)
            request.answers = answer_rules();
        rules_ = echo::WireRules(request, {.own_mac = kOurMac, .own_macs = {}});
        rules_.rate = random() % 4 == 0 ? echo::RateLimit(1000, 0, 1e9) : echo::RateLimit();
        use({.queue_pair = {.tx_retries = static_cast<std::uint32_t>(random() % 3)},
             .trace = &trace,
             .loop_check = {.on = random() % 2 == 0, .pool = pool.get()}});
        budget.set(random() % 4 == 0 ? 8 : 0);
        gate_.arm(random() % 8 == 0 ? round : echo::Gate::kNever);
        for (int i = 0; i < 16; ++i) {
            const Bytes frame = random() % 4 == 0 ? random_request(random) : random_frame(random);
            wire_.send(wire_.make_frame(frame, random() % 4 == 0 ? 1 + random() % 40 : SIZE_MAX));
        }
        ASSERT_EQ(burst(round), 16);
        if (random() % 8 == 0)
            returned += wire_.take().size();
        for (verdict::TraceRecord record; trace.read(record);) {
        }
        total += counts();
    }
    returned += wire_.take().size();
    EXPECT_TRUE(total.balanced());
    EXPECT_EQ(total[verdict::Count::Echoed] + total[verdict::Count::Answered], returned);
    EXPECT_GT(total[verdict::Count::Answered], 1000u);
    EXPECT_GT(total[verdict::Count::Dropped], 1000u);
}

}  // namespace
}  // namespace l2echo
