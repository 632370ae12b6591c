#include "l2echo/echo/rate_limit.hpp"

#include <gtest/gtest.h>

namespace l2echo::echo {
namespace {

constexpr double kHz = 1e9;
constexpr std::uint64_t kSecond = 1'000'000'000;

/// Number of frames that pass when one arrives every `every` cycles from `start` on.
std::uint64_t taken(RateLimit limit, std::uint64_t start, std::uint64_t every, std::uint64_t asked,
                    std::uint32_t bytes = 60) {
    std::uint64_t frames = 0;
    for (std::uint64_t i = 0; i < asked; ++i)
        frames += limit.take(start + i * every, bytes) ? 1 : 0;
    return frames;
}

TEST(RateLimit, WithoutALimitEverythingPasses) {
    EXPECT_FALSE(RateLimit().limited());
    EXPECT_EQ(taken(RateLimit(), 5, 0, 1000), 1000u);
    EXPECT_TRUE(RateLimit(1, 0, kHz).limited());
    EXPECT_TRUE(RateLimit(0, 1, kHz).limited());
}

TEST(RateLimit, BurstOfOneMillisecondPasses) {
    // 1 Mpps: 1000 cycles per frame and a million cycles of tolerance; the frame that reaches the tolerance
    // still passes.
    EXPECT_EQ(taken(RateLimit(1e6, 0, kHz), 7, 0, 5000), 1001u);
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 0, 5000), 101u);
}

TEST(RateLimit, BurstOf32PassesAtLowRates) {
    EXPECT_EQ(taken(RateLimit(10, 0, kHz), 7, 0, 5000), 33u);
    EXPECT_EQ(taken(RateLimit(0.01, 0, kHz), 7, 0, 5000), 33u);
}

TEST(RateLimit, PassesExactlyTheRate) {
    // Offered twice the rate for 10 seconds: the rate passes, plus one burst.
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 5000, 2'000'000), 1'000'000u + 100);
    EXPECT_EQ(taken(RateLimit(1e5, 0, kHz), 7, 10'000, 1'000'000), 1'000'000u) << "offered exactly the rate";
}

TEST(RateLimit, BitRateIsThatOfLayer1) {
    // 84 bytes at 8 ns each: 672 cycles per frame at 1 Gbit/s. Half of the offered frames pass.
    const std::uint64_t frames = taken(RateLimit(0, 1e9, kHz), 7, 336, 2'000'000);
    EXPECT_NEAR(static_cast<double>(frames), 1'000'000 + 1'000'000.0 / 672, 1);
    // 1538 bytes at layer 1 take 12304 cycles.
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

TEST(RateLimit, RateIsTheSameAfterYearsOfUptime) {
    // Neither 3001 nor ten years at 1 GHz is a multiple of what a double rounds to at that size.
    const double rate = kHz / 3001;
    const std::uint64_t ten_years = 315'360'000 * kSecond + 12345;
    EXPECT_EQ(taken(RateLimit(rate, 0, kHz), ten_years, 1000, 10'000'000),
              taken(RateLimit(rate, 0, kHz), 0, 1000, 10'000'000));
}

}  // namespace
}  // namespace l2echo::echo
