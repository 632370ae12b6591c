#include "l2echo/tcp/tail_loss_probe.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Micros kNow = seconds(5);
constexpr Micros kAckDelay = milliseconds(200);
constexpr Sequence kEnd(0x10);  // after the wrap

Micros timeout(const RttEstimator& rtt, std::uint32_t segments, Micros rto) {
    return TailLossProbe::timeout(rtt, segments, kAckDelay, kNow, kNow + rto);
}

TEST(TailLossProbe, WaitsTwoRoundTrips) {
    RttEstimator rtt{Settings{}};
    EXPECT_EQ(timeout(rtt, 5, seconds(3)), Micros(seconds(1))) << "without a sample";
    rtt.sample(milliseconds(30), kNow);
    EXPECT_EQ(timeout(rtt, 5, seconds(3)), Micros(milliseconds(60)));
    EXPECT_EQ(timeout(rtt, 1, seconds(3)), Micros(milliseconds(260)))
        << "the ACK of one segment may be delayed";
    EXPECT_EQ(timeout(rtt, 1, milliseconds(100)), Micros(milliseconds(100)))
        << "not after the retransmission timer";
    EXPECT_EQ(timeout(rtt, 1, milliseconds(-10)), Micros(0));
}

TEST(TailLossProbe, ProbeWithNewDataEndsWithItsAck) {
    TailLossProbe probe;
    EXPECT_FALSE(probe.on_ack(kEnd, {}, true));
    probe.on_sent(kEnd, false);
    EXPECT_FALSE(probe.on_ack(kEnd - 0x20U, {}, false));
    EXPECT_TRUE(probe.is_in_flight());
    EXPECT_FALSE(probe.on_ack(kEnd, {}, false));
    EXPECT_FALSE(probe.is_in_flight());
}

TEST(TailLossProbe, RepeatedSegmentThatArrivedTwiceIsNoLoss) {
    TailLossProbe probe;
    probe.on_sent(kEnd, true);
    EXPECT_FALSE(probe.on_ack(kEnd, {}, false)) << "the ACK of the original or of the probe";
    EXPECT_TRUE(probe.is_in_flight());
    Delivery dsack;
    dsack.has_dsack = true;
    dsack.dsack_begin = kEnd - 100U;
    dsack.dsack_end = kEnd;
    EXPECT_FALSE(probe.on_ack(kEnd, dsack, true));
    EXPECT_FALSE(probe.is_in_flight());

    probe.on_sent(kEnd, true);
    EXPECT_FALSE(probe.on_ack(kEnd, {}, false));
    EXPECT_FALSE(probe.on_ack(kEnd, {}, true)) << "the second ACK of a peer without DSACK";
    EXPECT_FALSE(probe.is_in_flight());
}

TEST(TailLossProbe, LossThatTheProbeRepairedIsReported) {
    TailLossProbe probe;
    probe.on_sent(kEnd, true);
    EXPECT_FALSE(probe.on_ack(kEnd, {}, false));
    EXPECT_TRUE(probe.on_ack(kEnd + 1, {}, false)) << "later data was acknowledged, and no duplicate was";
    EXPECT_FALSE(probe.is_in_flight());
    EXPECT_FALSE(probe.on_ack(kEnd + 2, {}, false));
}

TEST(TailLossProbe, RecoveryForgetsTheProbe) {
    TailLossProbe probe;
    probe.on_sent(kEnd, true);
    probe.cancel();
    EXPECT_FALSE(probe.on_ack(kEnd + 1, {}, false));
}

}  // namespace
}  // namespace l2echo::tcp
