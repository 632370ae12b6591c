#include "l2echo/tcp/rtt_estimator.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Settings with_small_minimum() {
    Settings settings;
    settings.min_rto = milliseconds(1);
    return settings;
}

TEST(RttEstimator, TimeoutIsOneSecondBeforeTheFirstSample) {
    const RttEstimator rtt{Settings{}};
    EXPECT_FALSE(rtt.has_sample());
    EXPECT_EQ(rtt.rto(), Micros(seconds(1)));
    EXPECT_EQ(rtt.smoothed(), Micros(0));
    EXPECT_EQ(rtt.min_rtt(), Micros(0));
}

TEST(RttEstimator, FirstSampleSetsVariationToItsHalf) {
    RttEstimator rtt(with_small_minimum());
    rtt.sample(milliseconds(100), seconds(1));
    EXPECT_EQ(rtt.smoothed(), Micros(milliseconds(100)));
    EXPECT_EQ(rtt.variation(), Micros(milliseconds(50)));
    EXPECT_EQ(rtt.rto(), Micros(milliseconds(300))) << "SRTT + 4 RTTVAR (RFC 6298 2.2)";
}

TEST(RttEstimator, LaterSamplesHaveTheWeightsOfRfc6298) {
    RttEstimator rtt(with_small_minimum());
    rtt.sample(milliseconds(100), seconds(1));
    rtt.sample(milliseconds(180), seconds(2));
    // SRTT = 7/8 100 + 1/8 180; RTTVAR = 3/4 50 + 1/4 80 = 57.5.
    EXPECT_EQ(rtt.smoothed(), Micros(110'000));
    EXPECT_EQ(rtt.variation(), Micros(57'500));
    EXPECT_EQ(rtt.rto(), Micros(340'000));
}

TEST(RttEstimator, VariationRisesWithEachSampleAndDecaysOncePerRoundTrip) {
    RttEstimator rtt(with_small_minimum());
    Micros now = seconds(1);
    for (int i = 0; i < 200; ++i)
        rtt.sample(milliseconds(100), now += milliseconds(100));
    EXPECT_LT(rtt.variation(), milliseconds(1));
    rtt.sample(milliseconds(300), now += milliseconds(100));
    const Micros peak = rtt.variation();
    EXPECT_GE(peak, milliseconds(49)) << "a quarter of 200 ms";
    for (int i = 0; i < 99; ++i)
        rtt.sample(milliseconds(100), now += milliseconds(1));
    EXPECT_GE(rtt.variation(), peak * 3 / 4) << "99 samples within one round trip";
    for (int i = 0; i < 50; ++i)
        rtt.sample(milliseconds(100), now += milliseconds(150));
    EXPECT_LT(rtt.variation(), milliseconds(1));
}

TEST(RttEstimator, MinimumIsAddedToTheRoundTrip) {
    RttEstimator rtt{Settings{}};
    Micros now = seconds(1);
    for (int i = 0; i < 200; ++i)
        rtt.sample(milliseconds(500), now += milliseconds(500));
    EXPECT_GE(rtt.rto(), milliseconds(700));
    EXPECT_LE(rtt.rto(), milliseconds(701));
}

TEST(RttEstimator, BackoffDoublesUpToTheMaximumAndEndsWithASample) {
    RttEstimator rtt{Settings{}};
    rtt.back_off();
    EXPECT_EQ(rtt.rto(), Micros(seconds(2)));
    rtt.back_off();
    EXPECT_EQ(rtt.rto(), Micros(seconds(4)));
    for (int i = 0; i < 300; ++i)
        rtt.back_off();
    EXPECT_EQ(rtt.rto(), Micros(seconds(120)));
    rtt.sample(milliseconds(10), seconds(1));
    EXPECT_EQ(rtt.rto(), Micros(milliseconds(210)));
    rtt.back_off();
    rtt.end_backoff();
    EXPECT_EQ(rtt.rto(), Micros(milliseconds(210)));
}

TEST(RttEstimator, TimeoutOfTheHandshakeLeavesThreeSecondsForData) {
    RttEstimator rtt{Settings{}};
    rtt.back_off();
    rtt.on_handshake_timeout();
    EXPECT_EQ(rtt.rto(), Micros(seconds(3))) << "RFC 6298 5.7";
    RttEstimator sampled{Settings{}};
    sampled.sample(milliseconds(10), seconds(1));
    sampled.on_handshake_timeout();
    EXPECT_EQ(sampled.rto(), Micros(milliseconds(210)));
}

TEST(RttEstimator, MinimumForgetsWhatIsOlderThanFiveMinutes) {
    RttEstimator rtt{Settings{}};
    rtt.sample(milliseconds(10), seconds(1));
    for (int second = 2; second < 145; ++second)
        rtt.sample(milliseconds(50), seconds(second));
    EXPECT_EQ(rtt.min_rtt(), Micros(milliseconds(10)));
    for (int second = 145; second < 310; ++second)
        rtt.sample(milliseconds(50), seconds(second));
    EXPECT_EQ(rtt.min_rtt(), Micros(milliseconds(50)));
    rtt.sample(milliseconds(20), seconds(310));
    EXPECT_EQ(rtt.min_rtt(), Micros(milliseconds(20)));
}

TEST(RttEstimator, AnySampleGivesATimeoutWithinItsBounds) {
    RttEstimator rtt{Settings{}};
    rtt.sample(Micros(0), seconds(1));
    EXPECT_EQ(rtt.min_rtt(), Micros(1));
    EXPECT_EQ(rtt.rto(), Micros(200'001));
    for (int i = 0; i < 100; ++i) {
        rtt.sample(Micros::max(), seconds(2 + i));
        EXPECT_LE(rtt.rto(), seconds(120));
        EXPECT_GE(rtt.rto(), milliseconds(200));
        rtt.sample(Micros(-5), seconds(2 + i));
        EXPECT_LE(rtt.rto(), seconds(120));
        EXPECT_GE(rtt.rto(), milliseconds(200));
    }
}

}  // namespace
}  // namespace l2echo::tcp
