#include "l2echo/tcp/settings.hpp"

#include <gtest/gtest.h>

namespace l2echo::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Settings, DefaultsAreWithinTheirRanges) {
    EXPECT_EQ(check_settings(Settings{}), "");
}

TEST(Settings, FirstOutOfRangeIsNamed) {
    Settings settings;
    settings.min_rto = Micros(999);
    EXPECT_EQ(check_settings(settings), "min_rto must be 1 ms to 60 s");
    settings.min_rto = milliseconds(1);
    EXPECT_EQ(check_settings(settings), "");
    settings.max_rto = Micros(500);
    EXPECT_EQ(check_settings(settings), "max_rto must be min_rto to 1 h");
    settings.max_rto = seconds(60);
    settings.max_receive_buffer = 100'000;
    EXPECT_EQ(check_settings(settings), "max_receive_buffer must be a power of two, min_buffer to 512 MiB");
    settings.max_receive_buffer = settings.min_buffer / 2;
    EXPECT_NE(check_settings(settings), "");
    settings.max_receive_buffer = settings.min_buffer;
    EXPECT_EQ(check_settings(settings), "");
}

TEST(Settings, ZeroTurnsTimeoutsOff) {
    Settings settings;
    settings.user_timeout = Micros(0);
    settings.fin_wait_2 = Micros(0);
    EXPECT_EQ(check_settings(settings), "");
    settings.user_timeout = milliseconds(99);
    EXPECT_EQ(check_settings(settings), "user_timeout must be 0 or 100 ms to 24 h");
}

}  // namespace
}  // namespace l2echo::tcp
