#include "l2echo/tcp/congestion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kSegment = 1000;

Settings using_algorithm(CongestionAlgorithm algorithm, bool hystart = false) {
    Settings settings;
    settings.congestion = algorithm;
    settings.hystart = hystart;
    return settings;
}

/// A sender that always fills its window, and a path that acknowledges each segment after one round trip.
class FullSender {
  public:
    FullSender(const Settings& settings, Micros rtt) : congestion(settings, kSegment), rtt_(rtt) {}

    /// One round trip: all segments of the window are acknowledged, evenly spaced, `per_ack` at once.
    void round(Micros sample, std::uint32_t per_ack = 1) {
        const std::uint32_t segments = congestion.window() / kSegment;
        congestion.on_sent(congestion.window());
        const Sequence end = una_ + segments * kSegment;
        for (std::uint32_t done = 0; done < segments;) {
            const std::uint32_t now = std::min(per_ack, segments - done);
            una_ += now * kSegment;
            next_ = later(next_, end + done * kSegment);
            congestion.on_ack({now * kSegment, una_, next_, now_ + rtt_ * done / segments, sample, rtt_});
            congestion.on_sent(congestion.window());
            done += now;
        }
        now_ += rtt_;
    }
    void rounds(int count) {
        for (int i = 0; i < count; ++i)
            round(rtt_);
    }
    double segments() const { return congestion.window() / double{kSegment}; }
    Micros now() const { return now_; }
    Sequence una() const { return una_; }

    Congestion congestion;

  private:
    Micros rtt_;
    Micros now_ = seconds(100);
    Sequence una_{0xFFFF'0000};
    Sequence next_{0xFFFF'0000};
};

/// Slow start up to exactly 100 segments, then a loss.
void lose_at_100(FullSender& sender) {
    while (sender.congestion.window() < 100 * kSegment)
        sender.congestion.on_sent(sender.congestion.window()),
            sender.congestion.on_ack(
                {kSegment, Sequence(0), Sequence(1), sender.now(), Micros(0), Micros(0)});
    sender.congestion.on_congestion(100 * kSegment);
}

TEST(Congestion, InitialWindowIsTenSegmentsOfEthernet) {
    const Settings settings;
    EXPECT_EQ(Congestion(settings, 1460).window(), 14'600u);
    EXPECT_EQ(Congestion(settings, 536).window(), 5360u);
    EXPECT_EQ(Congestion(settings, 8940).window(), 17'880u) << "RFC 6928: 14600 bytes, two segments at least";
    EXPECT_TRUE(Congestion(settings, 1460).in_slow_start());
}

TEST(Congestion, SlowStartDoublesPerRoundTrip) {
    FullSender sender(using_algorithm(CongestionAlgorithm::NewReno), milliseconds(100));
    sender.rounds(1);
    EXPECT_EQ(sender.segments(), 20);
    sender.round(milliseconds(100), 2);
    EXPECT_EQ(sender.segments(), 40) << "bytes count, not ACKs (RFC 3465)";
    sender.round(milliseconds(100), 40);
    EXPECT_EQ(sender.segments(), 48) << "one ACK counts for eight segments at most (RFC 9406)";
}

TEST(Congestion, NewRenoHalvesAndAddsOneSegmentPerRoundTrip) {
    FullSender sender(using_algorithm(CongestionAlgorithm::NewReno), milliseconds(100));
    lose_at_100(sender);
    EXPECT_EQ(sender.segments(), 50);
    EXPECT_EQ(sender.congestion.slow_start_threshold(), 50u * kSegment);
    sender.rounds(10);
    EXPECT_NEAR(sender.segments(), 60, 0.25);
    sender.congestion.on_congestion(1);
    EXPECT_EQ(sender.segments(), 2) << "two segments at least (RFC 5681 equation 4)";
}

TEST(Congestion, CubicFollowsItsFunction) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    EXPECT_EQ(sender.segments(), 70);
    // W_max = 100, cwnd_epoch = 70: K = cbrt(30 / 0.4) = 4.2172 s, and W(t) = 0.4 (t - K)^3 + 100. By hand:
    const std::initializer_list<double> windows = {86.68, 95.64, 99.28, 100.0, 100.19};
    for (const double window : windows) {
        sender.rounds(10);
        EXPECT_NEAR(sender.segments(), window, 0.1);
    }
}

TEST(Congestion, CubicGrowsByTheDistanceToItsTarget) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    Congestion& cubic = sender.congestion;
    const auto ack = [&](int ms) {
        cubic.on_ack({kSegment, Sequence(0), Sequence(1), sender.now() + milliseconds(ms), Micros(0),
                      milliseconds(100)});
        cubic.on_sent(cubic.window());
        return cubic.window();
    };
    // W_est = 70 + 0.5294 / 70: the Reno-friendly region.
    EXPECT_NEAR(ack(0), 70'007.6, 1.1);
    // (W(0.2) - cwnd) / cwnd = (74.073 - 70.008) / 70.008 segments.
    EXPECT_NEAR(ack(100), 70'065.6, 1.1);
    // (W(0.3) - cwnd) / cwnd = (75.958 - 70.066) / 70.066
    EXPECT_NEAR(ack(200), 70'149.7, 1.1);
    EXPECT_NEAR(ack(300), 70'258.1, 1.1);
}

TEST(Congestion, CubicIsNotSlowerThanRenoOnShortPaths) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(10));
    while (sender.congestion.window() < 20 * kSegment)
        sender.congestion.on_sent(sender.congestion.window()),
            sender.congestion.on_ack(
                {kSegment, Sequence(0), Sequence(1), sender.now(), Micros(0), Micros(0)});
    sender.congestion.on_congestion(20 * kSegment);
    EXPECT_EQ(sender.segments(), 14);
    // W_est grows by 0.5294 per round trip until it is cwnd_prior, 20, after 11.3 of them; then by one.
    sender.rounds(11);
    EXPECT_NEAR(sender.segments(), 19.8, 0.3);
    sender.rounds(89);
    EXPECT_NEAR(sender.segments(), 107, 2);
}

TEST(Congestion, CubicLeavesRoomIfItDidNotReachItsLastMaximum) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    EXPECT_FLOAT_EQ(sender.congestion.state().max_window, 100'000);
    sender.congestion.on_congestion(70 * kSegment);
    EXPECT_FLOAT_EQ(sender.congestion.state().max_window, 70'000 * 1.7F / 2) << "RFC 9438 4.7";
    EXPECT_EQ(sender.segments(), 49);
}

TEST(Congestion, CubicConvexGrowthIsAtMostHalfAWindowPerRoundTrip) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), seconds(10));
    lose_at_100(sender);
    sender.rounds(1);
    const double before = sender.segments();
    for (int i = 0; i < 4; ++i) {
        const double last = sender.segments();
        sender.rounds(1);
        EXPECT_LE(sender.segments(), last * std::exp(0.5) + 1) << "target is 1.5 cwnd at each ACK";
    }
    EXPECT_GT(sender.segments(), before);
}

TEST(Congestion, WindowThatIsNotFilledDoesNotGrow) {
    for (const CongestionAlgorithm algorithm : {CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic}) {
        FullSender sender(using_algorithm(algorithm), milliseconds(100));
        lose_at_100(sender);
        sender.rounds(3);
        Congestion& congestion = sender.congestion;
        Sequence una = sender.una();
        for (int i = 0; i < 20; ++i) {  // what was filled in the last round may still count
            una += 10 * kSegment;
            congestion.on_ack(
                {kSegment, una, una + 10 * kSegment, sender.now(), Micros(0), milliseconds(100)});
            congestion.on_sent(10 * kSegment);
        }
        const std::uint32_t window = congestion.window();
        for (int i = 0; i < 1000; ++i) {
            una += 10 * kSegment;
            congestion.on_ack({10 * kSegment, una, una + 10 * kSegment, sender.now() + milliseconds(100) * i,
                               Micros(0), milliseconds(100)});
            congestion.on_sent(10 * kSegment);
        }
        EXPECT_EQ(congestion.window(), window);
        // 100 s without growth do not count: CUBIC continues where it was.
        const Micros later = sender.now() + seconds(100);
        congestion.on_sent(window);
        congestion.on_ack({kSegment, una, una + 10 * kSegment, later, Micros(0), milliseconds(100)});
        congestion.on_sent(window);
        congestion.on_ack(
            {kSegment, una, una + 10 * kSegment, later + milliseconds(1), Micros(0), milliseconds(100)});
        EXPECT_GT(congestion.window(), window);
        EXPECT_LT(congestion.window(), window + kSegment);
    }
}

TEST(Congestion, SlowStartNeedsHalfAWindowInFlight) {
    Congestion congestion(using_algorithm(CongestionAlgorithm::NewReno), kSegment);
    Sequence una(1);
    for (int i = 0; i < 100; ++i) {
        congestion.on_sent(6 * kSegment);
        una += 6 * kSegment;
        congestion.on_ack({6 * kSegment, una, una, seconds(i), Micros(0), milliseconds(100)});
    }
    EXPECT_GE(congestion.window(), 12u * kSegment);
    EXPECT_LE(congestion.window(), 18u * kSegment) << "twice the flight, and one ACK more";
}

TEST(Congestion, TimeoutStartsWithOneSegmentAndSlowStart) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    sender.congestion.on_timeout(70 * kSegment, false);
    EXPECT_EQ(sender.segments(), 1);
    EXPECT_EQ(sender.congestion.slow_start_threshold(), 49u * kSegment);
    sender.congestion.on_timeout(kSegment, true);
    EXPECT_EQ(sender.congestion.slow_start_threshold(), 49u * kSegment) << "the same segment again";
    sender.rounds(1);
    EXPECT_EQ(sender.segments(), 2);
    sender.round(milliseconds(100), 2);
    EXPECT_EQ(sender.segments(), 3) << "one segment per ACK after a timeout (RFC 3465 2.3)";
    sender.rounds(5);
    EXPECT_GE(sender.segments(), 49);
    // RFC 9438 4.8: the first epoch after it has K = 0.
    EXPECT_EQ(sender.congestion.state().k, 0);
}

TEST(Congestion, SpuriousReductionIsUndone) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    sender.rounds(20);
    const Congestion::State before = sender.congestion.state();
    const std::uint32_t window = sender.congestion.window();
    const std::uint32_t threshold = sender.congestion.slow_start_threshold();
    sender.congestion.on_timeout(window, false);
    sender.rounds(2);
    sender.congestion.restore(before);
    EXPECT_EQ(sender.congestion.window(), window);
    EXPECT_EQ(sender.congestion.slow_start_threshold(), threshold);
    EXPECT_EQ(sender.congestion.state().k, before.k);
    EXPECT_FALSE(sender.congestion.in_slow_start());
}

TEST(Congestion, IdleSenderRestartsWithTheInitialWindow) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic), milliseconds(100));
    lose_at_100(sender);
    sender.congestion.on_idle(milliseconds(299), milliseconds(300));
    EXPECT_EQ(sender.segments(), 70);
    sender.congestion.on_idle(milliseconds(300), milliseconds(300));
    EXPECT_EQ(sender.segments(), 10);
    EXPECT_EQ(sender.congestion.slow_start_threshold(), 70u * kSegment);
}

TEST(Congestion, HyStartEndsSlowStartWhenTheRoundTripStaysLonger) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic, true), milliseconds(100));
    sender.round(milliseconds(100));
    sender.round(milliseconds(100));
    EXPECT_EQ(sender.segments(), 40);
    sender.round(milliseconds(120));  // 12.5 ms above the last minimum is enough
    EXPECT_LT(sender.segments(), 80) << "conservative slow start";
    EXPECT_EQ(sender.congestion.slow_start_threshold(), Congestion::kNoThreshold);
    for (int i = 0; i < 6; ++i)
        sender.round(milliseconds(120));
    EXPECT_FALSE(sender.congestion.in_slow_start()) << "after five rounds (RFC 9406 4.2)";
    EXPECT_LT(sender.segments(), 250);
}

TEST(Congestion, HyStartResumesSlowStartAfterJitter) {
    FullSender sender(using_algorithm(CongestionAlgorithm::Cubic, true), milliseconds(100));
    sender.round(milliseconds(100));
    sender.round(milliseconds(100));
    sender.round(milliseconds(120));
    sender.round(milliseconds(101));
    const double before = sender.segments();
    sender.round(milliseconds(101));
    EXPECT_EQ(sender.segments(), 2 * std::floor(before) + before - std::floor(before));
}

TEST(Congestion, SmallerSegmentsLeaveTheWindowInBytes) {
    Congestion congestion(Settings{}, 1460);
    congestion.set_mss(536);
    EXPECT_EQ(congestion.window(), 14'600u);
    congestion.on_timeout(14'600, false);
    EXPECT_EQ(congestion.window(), 536u);
    congestion.set_mss(1460);
    EXPECT_EQ(congestion.window(), 1460u);
}

TEST(Congestion, WindowStaysBelowTheLargestOfAPeer) {
    for (const CongestionAlgorithm algorithm : {CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic}) {
        Congestion congestion(using_algorithm(algorithm), 60'000);
        for (int i = 0; i < 100'000; ++i) {
            congestion.on_sent(congestion.window());
            congestion.on_ack(
                {UINT32_MAX, Sequence(0), Sequence(1), seconds(i), Micros(0), milliseconds(100)});
        }
        EXPECT_EQ(congestion.window(), Congestion::kMaxWindow);
        congestion.on_congestion(UINT32_MAX);
        for (int i = 0; i < 1000; ++i) {
            congestion.on_sent(congestion.window());
            congestion.on_ack(
                {60'000, Sequence(0), Sequence(1), seconds(1'000'000'000) * i, Micros(0), seconds(100)});
            ASSERT_LE(congestion.window(), Congestion::kMaxWindow);
        }
    }
}

}  // namespace
}  // namespace l2echo::tcp
