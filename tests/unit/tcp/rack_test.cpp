#include "l2echo/tcp/rack.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Delivery delivery_of(Micros sent, Sequence end) {
    Delivery result;
    result.bytes = 1000;
    result.has_newest = true;
    result.newest_sent = sent;
    result.newest_end = end;
    return result;
}

RttEstimator rtt_of(Micros rtt) {
    RttEstimator estimator{Settings{}};
    estimator.sample(rtt, seconds(1));
    return estimator;
}

TEST(Rack, NothingIsLostBeforeTheFirstDelivery) {
    const Rack rack;
    EXPECT_LT(rack.limit(rtt_of(milliseconds(100)), 0, false).sent, Micros(0));
}

TEST(Rack, LimitIsTheMostRecentlySentDeliveredSegment) {
    Rack rack;
    const RttEstimator rtt = rtt_of(milliseconds(100));
    rack.on_ack(delivery_of(seconds(2), Sequence(5000)), seconds(2) + milliseconds(110), Sequence(5000),
                Sequence(9000));
    EXPECT_EQ(rack.rtt(), Micros(milliseconds(110)));
    // Sent earlier, and sent at once with a lower sequence: neither is newer.
    rack.on_ack(delivery_of(seconds(1), Sequence(6000)), seconds(3), Sequence(5000), Sequence(9000));
    rack.on_ack(delivery_of(seconds(2), Sequence(4000)), seconds(3), Sequence(5000), Sequence(9000));
    LossLimit limit = rack.limit(rtt, 3, false);
    EXPECT_EQ(limit.sent, Micros(seconds(2)));
    EXPECT_EQ(limit.end, Sequence(5000));
    EXPECT_EQ(limit.age, Micros(milliseconds(110)));
    rack.on_ack(delivery_of(seconds(2), Sequence(6000)), seconds(2) + milliseconds(130), Sequence(5000),
                Sequence(9000));
    limit = rack.limit(rtt, 3, false);
    EXPECT_EQ(limit.end, Sequence(6000));
    EXPECT_EQ(limit.age, Micros(milliseconds(130)));
}

TEST(Rack, WindowIsAQuarterOfTheMinimumRoundTrip) {
    Rack rack;
    const RttEstimator rtt = rtt_of(milliseconds(100));
    rack.on_ack(delivery_of(seconds(2), Sequence(5000)), seconds(2) + milliseconds(100), Sequence(1000),
                Sequence(9000));
    EXPECT_EQ(rack.limit(rtt, 2, false).age, Micros(milliseconds(125)));
    EXPECT_EQ(rack.limit(rtt, 3, false).age, Micros(milliseconds(100)))
        << "three SACKed segments, no reordering seen";
    EXPECT_EQ(rack.limit(rtt, 0, true).age, Micros(milliseconds(100))) << "in recovery";

    Delivery reordered = delivery_of(seconds(2), Sequence(4000));
    reordered.is_reordered = true;
    rack.on_ack(reordered, seconds(3), Sequence(1000), Sequence(9000));
    EXPECT_TRUE(rack.saw_reordering());
    EXPECT_EQ(rack.limit(rtt, 3, true).age, Micros(milliseconds(125))) << "then the window always applies";
}

TEST(Rack, DsackWidensTheWindowOncePerRoundTripUpToTheSmoothedRoundTrip) {
    Rack rack;
    const RttEstimator rtt = rtt_of(milliseconds(100));
    Delivery dsack = delivery_of(seconds(2), Sequence(5000));
    dsack.has_dsack = true;
    rack.on_ack(dsack, seconds(2) + milliseconds(100), Sequence(1000), Sequence(9000));
    rack.on_ack(dsack, seconds(2) + milliseconds(100), Sequence(8000), Sequence(9500));
    EXPECT_EQ(rack.window_quarters(), 2u);
    EXPECT_EQ(rack.limit(rtt, 0, false).age, Micros(milliseconds(150)));
    Sequence una(9000);
    for (int i = 0; i < 1000; ++i) {
        rack.on_ack(dsack, seconds(3), una, una + 1000);
        una += 1000;
    }
    EXPECT_EQ(rack.window_quarters(), 255u);
    EXPECT_EQ(rack.limit(rtt, 0, false).age, Micros(milliseconds(200))) << "SRTT at most";
}

TEST(Rack, SixteenRecoveriesWithoutDsackNarrowTheWindow) {
    Rack rack;
    Delivery dsack = delivery_of(seconds(2), Sequence(5000));
    dsack.has_dsack = true;
    rack.on_ack(dsack, seconds(3), Sequence(1000), Sequence(9000));
    for (int i = 0; i < 15; ++i)
        rack.on_recovery_end();
    EXPECT_EQ(rack.window_quarters(), 2u);
    rack.on_ack(dsack, seconds(3), Sequence(9000), Sequence(10'000));
    for (int i = 0; i < 15; ++i)
        rack.on_recovery_end();
    EXPECT_EQ(rack.window_quarters(), 3u) << "a DSACK starts the count again";
    rack.on_recovery_end();
    EXPECT_EQ(rack.window_quarters(), 1u);
}

TEST(Rack, SpuriousRecoveryShowsReordering) {
    Rack rack;
    EXPECT_FALSE(rack.saw_reordering());
    rack.on_spurious_recovery();
    EXPECT_TRUE(rack.saw_reordering());
}

}  // namespace
}  // namespace l2echo::tcp
