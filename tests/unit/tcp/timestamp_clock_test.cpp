#include "l2echo/tcp/timestamp_clock.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

TEST(TimestampClock, CountsMillisecondsFromItsOffset) {
    const TimestampClock clock(0xFFFF'FFFF);
    EXPECT_EQ(clock.at(Micros(999)), 0xFFFF'FFFFu);
    EXPECT_EQ(clock.at(Micros(1000)), 0u) << "wraps";
    EXPECT_EQ(clock.at(Micros(5'000'000'000'000)), 5'000'000'000 % (1ULL << 32) - 1);
}

TEST(TimestampClock, EchoIsAsOldAsTheEndOfItsMillisecond) {
    const TimestampClock clock(0xFFFF'FFFE);
    const Micros now(7'654'321);
    EXPECT_EQ(clock.latest_sent(clock.at(Micros(7'650'100)), now), Micros(7'650'999));
    EXPECT_EQ(clock.latest_sent(clock.at(Micros(1'100)), now), Micros(1'999)) << "across the wrap";
    EXPECT_EQ(clock.latest_sent(clock.at(now), now), now);
    EXPECT_EQ(clock.latest_sent(clock.at(now) + 10, now), now) << "an echo of the future";
}

}  // namespace
}  // namespace l2echo::tcp
