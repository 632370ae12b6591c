#include "l2echo/tcp/sequence.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

constexpr Sequence kLastNumber(0xFFFF'FFFF);

TEST(Sequence, NumbersAfterTheWrapAreLater) {
    EXPECT_LT(kLastNumber, Sequence(0));
    EXPECT_GT(Sequence(5), kLastNumber);
    EXPECT_LE(kLastNumber, kLastNumber);
    EXPECT_GE(Sequence(0), kLastNumber);
    EXPECT_LT(Sequence(0x7FFF'FFFF), Sequence(0xFFFF'FFFE)) << "2^31 - 1 apart";
    EXPECT_EQ(earlier(Sequence(3), kLastNumber), kLastNumber);
    EXPECT_EQ(later(Sequence(3), kLastNumber), Sequence(3));
}

TEST(Sequence, DifferencesAndSumsWrap) {
    EXPECT_EQ(kLastNumber + 3, Sequence(2));
    EXPECT_EQ(Sequence(2) - 3U, kLastNumber);
    EXPECT_EQ(Sequence(2) - kLastNumber, 3);
    EXPECT_EQ(kLastNumber - Sequence(2), -3);
    EXPECT_EQ(bytes_between(kLastNumber, Sequence(2)), 3u);
}

TEST(Sequence, WindowMayCrossTheWrap) {
    EXPECT_TRUE(is_within(kLastNumber, kLastNumber, 2));
    EXPECT_TRUE(is_within(Sequence(0), kLastNumber, 2));
    EXPECT_FALSE(is_within(Sequence(1), kLastNumber, 2));
    EXPECT_FALSE(is_within(kLastNumber - 1U, kLastNumber, 2));
    EXPECT_FALSE(is_within(kLastNumber, kLastNumber, 0));
}

}  // namespace
}  // namespace l2echo::tcp
