#include "l2echo/tcp/sequence.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

constexpr Sequence kLast(0xFFFF'FFFF);

TEST(Sequence, NumbersAfterTheWrapAreLater) {
    EXPECT_LT(kLast, Sequence(0));
    EXPECT_GT(Sequence(5), kLast);
    EXPECT_LE(kLast, kLast);
    EXPECT_GE(Sequence(0), kLast);
    EXPECT_LT(Sequence(0x7FFF'FFFF), Sequence(0xFFFF'FFFE)) << "2^31 - 1 apart";
    EXPECT_EQ(earlier(Sequence(3), kLast), kLast);
    EXPECT_EQ(later(Sequence(3), kLast), Sequence(3));
}

TEST(Sequence, DifferencesAndSumsWrap) {
    EXPECT_EQ(kLast + 3, Sequence(2));
    EXPECT_EQ(Sequence(2) - 3U, kLast);
    EXPECT_EQ(Sequence(2) - kLast, 3);
    EXPECT_EQ(kLast - Sequence(2), -3);
    EXPECT_EQ(bytes_between(kLast, Sequence(2)), 3u);
}

TEST(Sequence, WindowMayCrossTheWrap) {
    EXPECT_TRUE(is_within(kLast, kLast, 2));
    EXPECT_TRUE(is_within(Sequence(0), kLast, 2));
    EXPECT_FALSE(is_within(Sequence(1), kLast, 2));
    EXPECT_FALSE(is_within(kLast - 1U, kLast, 2));
    EXPECT_FALSE(is_within(kLast, kLast, 0));
}

}  // namespace
}  // namespace l2echo::tcp
