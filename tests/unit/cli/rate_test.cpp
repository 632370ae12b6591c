#include "l2echo/cli/rate.hpp"

#include <gtest/gtest.h>

#include "usage_error.hpp"

namespace l2echo::cli {
namespace {

TEST(Rate, UnitsAreFramesBitsOrShareOfTheLink) {
    EXPECT_DOUBLE_EQ(parse_rate("1000", "--rate").frames_per_second, 1000);
    EXPECT_DOUBLE_EQ(parse_rate("1.5Mpps", "--rate").frames_per_second, 1.5e6);
    EXPECT_DOUBLE_EQ(parse_rate("20kpps", "--rate").frames_per_second, 20'000);
    EXPECT_DOUBLE_EQ(parse_rate("7pps", "--rate").frames_per_second, 7);
    EXPECT_DOUBLE_EQ(parse_rate("10Gbps", "--rate").bits_per_second, 10e9);
    EXPECT_DOUBLE_EQ(parse_rate("50%", "--rate").percent_of_link, 50);
    const RateRequest max = parse_rate("max", "--rate");
    EXPECT_DOUBLE_EQ(max.frames_per_second + max.bits_per_second + max.percent_of_link, 0);
}

TEST(Rate, InvalidTextIsAUsageErrorThatNamesTheOption) {
    for (const char* text :
         {"", "fast", "0", "-1", "1xpps", "10Gb", "101%", "1Mpps/s", "Mpps", "inf", "infpps", "nan", "1e400",
          "1e-300", "1e308Gbps", " 1", "1 Mpps", "1e300", "1e7Gbps"})
        EXPECT_EQ(usage_error_of([&] { parse_rate(text, "--rate"); }).find("--rate: "), 0u) << text;
}

TEST(Rate, AbsoluteRateIsNotAShareOfTheLink) {
    EXPECT_DOUBLE_EQ(parse_absolute_rate("1Mpps", "--rate").frames_per_second, 1e6);
    EXPECT_DOUBLE_EQ(parse_absolute_rate("10Gbps", "--rate").bits_per_second, 10e9);
    for (const char* text : {"max", "50%"})
        EXPECT_EQ(usage_error_of([&] { parse_absolute_rate(text, "--rate"); }),
                  "--rate: give frames or bits per second, such as 1Mpps or 10Gbps");
}

TEST(Rate, PrintedRateParsesToTheSameRate) {
    for (const char* text : {"1500000pps", "250bps", "50%", "max"})
        EXPECT_EQ(format_rate(parse_rate(text, "--rate")), text);
}

}  // namespace
}  // namespace l2echo::cli
