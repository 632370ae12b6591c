#include "l2echo/echo/rate_limit.hpp"

#include <gtest/gtest.h>

namespace l2echo::echo {
namespace {

constexpr double kHz = 1e9;
constexpr std::uint64_t kSecond = 1'000'000'000;

/// Frames let through of those that ask, one each `every` cycles from `start` on.
std::uint64_t taken(RateLimit limit, std::uint64_t start, std::uint64_t every, std::uint64_t asked,
                    std::uint32_t bytes = 60) {
    std::uint64_t frames = 0;
    for (std::uint64_t i = 0; i < asked; ++i)
        frames += limit.take(start + i * every, bytes) ? 1 : 0;
    return frames;
}

TEST(RateLimit, WithoutOneEverythingPasses) {
    EXPECT_FALSE(RateLimit().limited());
    EXPECT_EQ(taken(RateLimit(), 5, 0, 1000), 1000u);
    EXPECT_TRUE(RateLimit(1, 0, kHz).limited());
    EXPECT_TRUE(RateLimit(0, 1, kHz).limited());
}

TEST(RateLimit, ABurstOfAMillisecondPassesAtOnce) {
    // 1 Mpps: 1000 cycles a frame, a million cycles of tolerance; the frame that reaches it still passes.
    EXPECT_EQ(taken(RateLimit(1e6, 0, kHz), 7, 0, 5000), 1001u);
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 0, 5000), 101u);
}

TEST(RateLimit, AtLowRatesABurstOf32Passes) {
    EXPECT_EQ(taken(RateLimit(10, 0, kHz), 7, 0, 5000), 33u);
    EXPECT_EQ(taken(RateLimit(0.01, 0, kHz), 7, 0, 5000), 33u);
}

TEST(RateLimit, PassesTheRateAndNoMore) {
    // Asked for twice as much over 10 seconds: the rate, and once the burst.
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 5000, 2'000'000), 1'000'000u + 100);
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 10'000, 1'000'000), 1'000'000u) << "asked for as much";
}

TEST(RateLimit, BitsAreThoseOfLayer1) {
    // 84 bytes on the wire of 8 ns each: 672 cycles a frame at 1 Gbit/s; half of what is asked for passes.
    const std::uint64_t frames = taken(RateLimit(0, 1e9, kHz), 7, 336, 2'000'000);
    EXPECT_NEAR(static_cast<double>(frames), 1'000'000 + 1'000'000.0 / 672, 1);
    // 1538 bytes at layer 1 are 12304 cycles.
    const std::uint64_t long_frames = taken(RateLimit(0, 1e9, kHz), 7, 6152, 200'000, 1514);
    EXPECT_NEAR(static_cast<double>(long_frames), 100'000 + 1'000'000.0 / 12304, 1);
}

TEST(RateLimit, IdleTimeIsNotSavedUp) {
    RateLimit limit(1e6, 0, kHz);
    std::uint64_t frames = 0;
    for (int i = 0; i < 5000; ++i)
        frames += limit.take(7, 60) ? 1 : 0;
    EXPECT_EQ(frames, 1001u);
    for (int i = 0; i < 5000; ++i)
        frames += limit.take(7 + 100 * kSecond, 60) ? 1 : 0;
    EXPECT_EQ(frames, 2002u);
}

TEST(RateLimit, AMachineThatIsUpForYearsHasTheSameRate) {
    // Neither 3001 nor the time of ten years at 1 GHz is a multiple of what a double rounds to there.
    const double rate = kHz / 3001;
    const std::uint64_t ten_years = 315'360'000 * kSecond + 12345;
    EXPECT_EQ(taken(RateLimit(rate, 0, kHz), ten_years, 1000, 10'000'000),
              taken(RateLimit(rate, 0, kHz), 0, 1000, 10'000'000));
}

}  // namespace
}  // namespace l2echo::echo
