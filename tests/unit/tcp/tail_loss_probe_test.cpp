#include "l2echo/tcp/tail_loss_probe.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Micros kProbeTime = seconds(5);
constexpr Micros kPeerAckDelay = milliseconds(200);
constexpr Sequence kProbeEnd(0x10);  // after the wrap

Micros probe_timeout(const RttEstimator& rtt, std::uint32_t segments, Micros rto) {
    return TailLossProbe::timeout(rtt, segments, kPeerAckDelay, kProbeTime, kProbeTime + rto);
}

TEST(TailLossProbe, WaitsTwoRoundTrips) {
    RttEstimator rtt{Settings{}};
    EXPECT_EQ(probe_timeout(rtt, 5, seconds(3)), Micros(seconds(1))) << "without a sample";
    rtt.sample(milliseconds(30), kProbeTime);
    EXPECT_EQ(probe_timeout(rtt, 5, seconds(3)), Micros(milliseconds(60)));
    EXPECT_EQ(probe_timeout(rtt, 1, seconds(3)), Micros(milliseconds(260)))
        << "the ACK of one segment may be delayed";
    EXPECT_EQ(probe_timeout(rtt, 1, milliseconds(100)), Micros(milliseconds(100)))
        << "not after the retransmission timer";
    EXPECT_EQ(probe_timeout(rtt, 1, milliseconds(-10)), Micros(0));
}

TEST(TailLossProbe, ProbeWithNewDataEndsWithItsAck) {
    TailLossProbe probe;
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, true));
    probe.on_sent(kProbeEnd, false);
    EXPECT_FALSE(probe.on_ack(kProbeEnd - 0x20U, {}, false));
    EXPECT_TRUE(probe.is_in_flight());
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, false));
    EXPECT_FALSE(probe.is_in_flight());
}

TEST(TailLossProbe, RepeatedSegmentThatArrivedTwiceIsNoLoss) {
    TailLossProbe probe;
    probe.on_sent(kProbeEnd, true);
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, false)) << "the ACK of the original or of the probe";
    EXPECT_TRUE(probe.is_in_flight());
    Delivery dsack;
    dsack.has_dsack = true;
    dsack.dsack_begin = kProbeEnd - 100U;
    dsack.dsack_end = kProbeEnd;
    EXPECT_FALSE(probe.on_ack(kProbeEnd, dsack, true));
    EXPECT_FALSE(probe.is_in_flight());

    probe.on_sent(kProbeEnd, true);
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, false));
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, true)) << "the second ACK of a peer without DSACK";
    EXPECT_FALSE(probe.is_in_flight());
}

TEST(TailLossProbe, LossThatTheProbeRepairedIsReported) {
    TailLossProbe probe;
    probe.on_sent(kProbeEnd, true);
    EXPECT_FALSE(probe.on_ack(kProbeEnd, {}, false));
    EXPECT_TRUE(probe.on_ack(kProbeEnd + 1, {}, false))
        << "later data was acknowledged, and no duplicate was";
    EXPECT_FALSE(probe.is_in_flight());
    EXPECT_FALSE(probe.on_ack(kProbeEnd + 2, {}, false));
}

TEST(TailLossProbe, RecoveryForgetsTheProbe) {
    TailLossProbe probe;
    probe.on_sent(kProbeEnd, true);
    probe.cancel();
    EXPECT_FALSE(probe.on_ack(kProbeEnd + 1, {}, false));
}

}  // namespace
}  // namespace l2echo::tcp
