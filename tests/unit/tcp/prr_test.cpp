#include "l2echo/tcp/prr.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

constexpr std::uint16_t kMss = 1000;

TEST(Prr, FirstRetransmissionLeavesAtOnce) {
    Prr prr;
    prr.start(20 * kMss, 10 * kMss);
    prr.on_ack(kMss, 18 * kMss, kMss, false);
    EXPECT_EQ(prr.allowance(), 1u * kMss);
    prr.on_sent(kMss);
    EXPECT_EQ(prr.allowance(), 0u);
}

TEST(Prr, SendsInProportionAndEndsWithTheThresholdInFlight) {
    // 20 in flight, one lost, NewReno's half: one segment for every second ACK.
    Prr prr;
    prr.start(20 * kMss, 10 * kMss);
    std::uint32_t flight = 19 * kMss;
    std::uint32_t sent = 0;
    for (int ack = 0; ack < 19; ++ack) {
        flight -= kMss;
        prr.on_ack(kMss, flight, kMss, false);
        if (prr.allowance() >= kMss) {
            prr.on_sent(kMss);
            flight += kMss;
            ++sent;
        }
    }
    EXPECT_EQ(sent, 10u);
    EXPECT_EQ(flight, 10u * kMss);
}

TEST(Prr, GrowsBackByWhatIsDeliveredWhileLossContinues) {
    // A burst loss leaves less than the threshold in flight.
    Prr prr;
    prr.start(20 * kMss, 10 * kMss);
    prr.on_ack(kMss, 4 * kMss, kMss, false);
    prr.on_sent(kMss);
    prr.on_ack(2 * kMss, 3 * kMss, kMss, false);
    EXPECT_EQ(prr.allowance(), 2u * kMss) << "conservative reduction bound";
}

TEST(Prr, GrowsBackLikeSlowStartWhenRecoveryProgresses) {
    Prr prr;
    prr.start(20 * kMss, 10 * kMss);
    prr.on_ack(kMss, 4 * kMss, kMss, false);
    prr.on_sent(kMss);
    prr.on_ack(2 * kMss, 3 * kMss, kMss, true);
    EXPECT_EQ(prr.allowance(), 3u * kMss) << "slow start reduction bound: one segment more";
    prr.on_ack(2 * kMss, 9 * kMss, kMss, true);
    EXPECT_EQ(prr.allowance(), 1u * kMss) << "not above the threshold";
}

TEST(Prr, NothingIsAllowedWithoutDelivery) {
    Prr prr;
    EXPECT_EQ(prr.allowance(), 0u);
    prr.start(20 * kMss, 10 * kMss);
    prr.on_ack(0, 19 * kMss, kMss, false);
    EXPECT_EQ(prr.allowance(), 1u * kMss) << "but for the first";
    prr.on_sent(kMss);
    prr.on_ack(0, 19 * kMss, kMss, false);
    EXPECT_EQ(prr.allowance(), 0u);
}

TEST(Prr, LargeWindowsDoNotOverflow) {
    Prr prr;
    prr.start(1U << 30, 7U << 27);
    prr.on_ack(1U << 29, 1U << 30, kMss, false);
    EXPECT_EQ(prr.allowance(), 7U << 26);
    prr.start(0, 0);
    prr.on_ack(5, 5, kMss, true);
    EXPECT_EQ(prr.allowance(), 1u * kMss);
}

}  // namespace
}  // namespace l2echo::tcp
