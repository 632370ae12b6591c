#include "l2echo/probe/result/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace l2echo::probe {
namespace {

TEST(Histogram, PercentilesAgreeWithAnExactSortWithinOnePercent) {
    std::mt19937_64 random(5);
    std::lognormal_distribution<double> distribution(8, 2);
    const auto histogram = std::make_unique<Histogram>();
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 200'000; ++i) {
        values.push_back(static_cast<std::uint64_t>(distribution(random)));
        histogram->add(values.back());
    }
    std::ranges::sort(values);
    for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0}) {
        const double wanted = std::ceil(percent / 100 * static_cast<double>(values.size()));
        const auto rank = static_cast<std::size_t>(std::max(wanted, 1.0)) - 1;
        const auto exact = static_cast<double>(values[rank]);
        const auto found = static_cast<double>(histogram->percentile(percent));
        EXPECT_GE(found, exact) << percent;
        EXPECT_LE(found, exact * 1.01) << percent;
    }
    EXPECT_EQ(histogram->min(), values.front());
    EXPECT_EQ(histogram->max(), values.back());
    EXPECT_EQ(histogram->count(), values.size());
}

TEST(Histogram, SmallValuesAreExact) {
    const auto histogram = std::make_unique<Histogram>();
    for (std::uint64_t value = 0; value < 256; ++value)
        histogram->add(value);
    EXPECT_EQ(histogram->percentile(50), 127u);
    EXPECT_EQ(histogram->percentile(100), 255u);
    EXPECT_DOUBLE_EQ(histogram->mean(), 127.5);
}

TEST(Histogram, RecordsTheLargestPossibleValue) {
    const auto histogram = std::make_unique<Histogram>();
    histogram->add(~std::uint64_t{0});
    EXPECT_EQ(histogram->percentile(50), ~std::uint64_t{0});
}

TEST(Histogram, EmptyHistogramIsAllZero) {
    const auto histogram = std::make_unique<Histogram>();
    EXPECT_EQ(histogram->percentile(99), 0u);
    EXPECT_EQ(histogram->min(), 0u);
    EXPECT_DOUBLE_EQ(histogram->mean(), 0);
}

TEST(Histogram, PercentileTextEndsWithTheMaximumAndTheTotal) {
    const auto histogram = std::make_unique<Histogram>();
    for (std::uint64_t value : {100u, 200u, 200u, 250u})
        histogram->add(value);
    const std::string text = histogram->percentile_text(100);
    EXPECT_EQ(text.find("       Value     Percentile TotalCount 1/(1-Percentile)\n\n"), 0u);
    EXPECT_NE(text.find("       1.000 0.250000000000          1           1.33\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("       2.500 1.000000000000          4\n"), std::string::npos) << text;
    EXPECT_NE(text.find("Total count    =            4]"), std::string::npos) << text;
}

}  // namespace
}  // namespace l2echo::probe
