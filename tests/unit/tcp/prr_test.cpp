#include "l2echo/tcp/prr.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

constexpr std::uint16_t kPrrSegment = 1000;

TEST(Prr, FirstRetransmissionLeavesAtOnce) {
    Prr prr;
    prr.start(20 * kPrrSegment, 10 * kPrrSegment);
    prr.on_ack(kPrrSegment, 18 * kPrrSegment, kPrrSegment, false);
    EXPECT_EQ(prr.allowance(), 1u * kPrrSegment);
    prr.on_sent(kPrrSegment);
    EXPECT_EQ(prr.allowance(), 0u);
}

TEST(Prr, SendsInProportionAndEndsWithTheThresholdInFlight) {
    // 20 in flight, one lost, NewReno's half: one segment for every second ACK.
    Prr prr;
    prr.start(20 * kPrrSegment, 10 * kPrrSegment);
    std::uint32_t flight = 19 * kPrrSegment;
    std::uint32_t sent = 0;
    for (int ack = 0; ack < 19; ++ack) {
        flight -= kPrrSegment;
        prr.on_ack(kPrrSegment, flight, kPrrSegment, false);
        if (prr.allowance() >= kPrrSegment) {
            prr.on_sent(kPrrSegment);
            flight += kPrrSegment;
            ++sent;
        }
    }
    EXPECT_EQ(sent, 10u);
    EXPECT_EQ(flight, 10u * kPrrSegment);
}

TEST(Prr, GrowsBackByWhatIsDeliveredWhileLossContinues) {
    // A burst loss leaves less than the threshold in flight.
    Prr prr;
    prr.start(20 * kPrrSegment, 10 * kPrrSegment);
    prr.on_ack(kPrrSegment, 4 * kPrrSegment, kPrrSegment, false);
    prr.on_sent(kPrrSegment);
    prr.on_ack(2 * kPrrSegment, 3 * kPrrSegment, kPrrSegment, false);
    EXPECT_EQ(prr.allowance(), 2u * kPrrSegment) << "conservative reduction bound";
}

TEST(Prr, GrowsBackLikeSlowStartWhenRecoveryProgresses) {
    Prr prr;
    prr.start(20 * kPrrSegment, 10 * kPrrSegment);
    prr.on_ack(kPrrSegment, 4 * kPrrSegment, kPrrSegment, false);
    prr.on_sent(kPrrSegment);
    prr.on_ack(2 * kPrrSegment, 3 * kPrrSegment, kPrrSegment, true);
    EXPECT_EQ(prr.allowance(), 3u * kPrrSegment) << "slow start reduction bound: one segment more";
    prr.on_ack(2 * kPrrSegment, 9 * kPrrSegment, kPrrSegment, true);
    EXPECT_EQ(prr.allowance(), 1u * kPrrSegment) << "not above the threshold";
}

TEST(Prr, NothingIsAllowedWithoutDelivery) {
    Prr prr;
    EXPECT_EQ(prr.allowance(), 0u);
    prr.start(20 * kPrrSegment, 10 * kPrrSegment);
    prr.on_ack(0, 19 * kPrrSegment, kPrrSegment, false);
    EXPECT_EQ(prr.allowance(), 1u * kPrrSegment) << "but for the first";
    prr.on_sent(kPrrSegment);
    prr.on_ack(0, 19 * kPrrSegment, kPrrSegment, false);
    EXPECT_EQ(prr.allowance(), 0u);
}

TEST(Prr, LargeWindowsDoNotOverflow) {
    Prr prr;
    prr.start(1U << 30, 7U << 27);
    prr.on_ack(1U << 29, 1U << 30, kPrrSegment, false);
    EXPECT_EQ(prr.allowance(), 7U << 26);
    prr.start(0, 0);
    prr.on_ack(5, 5, kPrrSegment, true);
    EXPECT_EQ(prr.allowance(), 1u * kPrrSegment);
}

}  // namespace
}  // namespace l2echo::tcp
