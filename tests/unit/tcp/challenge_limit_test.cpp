#include "l2echo/tcp/challenge_limit.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::seconds;

TEST(ChallengeLimit, AdmitsItsNumberPerSecond) {
    ChallengeLimit limit;
    for (int second = 0; second < 3; ++second) {
        int admitted = 0;
        for (int i = 0; i < 1000; ++i)
            admitted += limit.take(10, seconds(second) + Micros(i)) ? 1 : 0;
        EXPECT_EQ(admitted, 10);
    }
    EXPECT_FALSE(limit.take(10, Micros(2'999'999)));
    EXPECT_TRUE(limit.take(10, Micros(3'000'000)));
}

TEST(ChallengeLimit, QuietSecondsAreNotSavedUp) {
    ChallengeLimit limit;
    EXPECT_TRUE(limit.take(1, seconds(1)));
    EXPECT_TRUE(limit.take(1, seconds(100)));
    EXPECT_FALSE(limit.take(1, seconds(100)));
}

}  // namespace
}  // namespace l2echo::tcp
