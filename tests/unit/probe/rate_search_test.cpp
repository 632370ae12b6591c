#include "probe/search/rate_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace l2echo::probe {
namespace {

/// Runs the search against a far end that loses frames as a function of the rate.
RateSearch search(double max_rate, double allowed_loss, const std::function<double(double)>& loss_at) {
    RateSearch search(max_rate, allowed_loss);
    while (const auto rate = search.next()) {
        const auto sent = static_cast<std::uint64_t>(*rate);
        search.record(
            {*rate, 1, sent, static_cast<std::uint64_t>(static_cast<double>(sent) * loss_at(*rate)), false});
        if (search.trials().size() > 100)
            break;
    }
    return search;
}

/// A far end that returns at most `limit` frames per second.
std::function<double(double)> capacity(double frames_per_second) {
    return [=](double rate) { return std::max(0.0, 1 - frames_per_second / rate); };
}

TEST(RateSearch, FindsTheCapacityWithinItsPrecision) {
    for (const double limit : {1e3, 123'456.0, 9.9e6}) {
        const RateSearch found = search(10e6, 0, capacity(limit));
        ASSERT_TRUE(found.lower() && found.upper()) << limit;
        EXPECT_LE(found.lower()->frames_per_second, limit * 1.001);
        EXPECT_GE(found.lower()->frames_per_second, limit * 0.99);
        EXPECT_LE(found.upper()->frames_per_second - found.lower()->frames_per_second,
                  0.005 * found.upper()->frames_per_second);
        EXPECT_LT(found.trials().size(), 40u);
    }
}

TEST(RateSearch, AllowedLossFindsAHigherRate) {
    const RateSearch ndr = search(10e6, 0, capacity(1e6));
    const RateSearch pdr = search(10e6, 0.005, capacity(1e6));
    EXPECT_GT(pdr.lower()->frames_per_second, ndr.lower()->frames_per_second);
    EXPECT_NEAR(pdr.lower()->frames_per_second, 1e6 / 0.995, 6000);
}

TEST(RateSearch, PassingMaximumIsTheResultWithoutAnUpperBound) {
    const RateSearch found = search(1e6, 0, capacity(5e6));
    EXPECT_EQ(found.trials().size(), 1u);
    EXPECT_DOUBLE_EQ(found.lower()->frames_per_second, 1e6);
    EXPECT_FALSE(found.upper());
}

TEST(RateSearch, ConstantLossEndsWithoutALowerBound) {
    const RateSearch found = search(1e6, 0, [](double) { return 0.5; });
    EXPECT_FALSE(found.lower());
    EXPECT_TRUE(found.upper());
    EXPECT_LT(found.trials().size(), 40u);
}

TEST(RateSearch, LossAtALowerRateOverridesSuccessAtAHigherOne) {
    RateSearch search(1000, 0);
    search.record({1000, 1, 1000, 100, false});
    search.record({900, 1, 900, 0, false});
    search.record({800, 1, 800, 1, false});
    EXPECT_FALSE(search.lower());
    EXPECT_DOUBLE_EQ(search.upper()->frames_per_second, 800);
}

TEST(RateSearch, SlightLossAtEveryRateDoesNotCauseManySmallSteps) {
    const RateSearch found = search(1e6, 0, [](double rate) { return rate > 100'000 ? 1e-5 : 0; });
    EXPECT_NEAR(found.lower()->frames_per_second, 100'000, 1000);
    EXPECT_LT(found.trials().size(), 25u);
}

TEST(RateSearch, TrialWithoutFramesFails) {
    EXPECT_DOUBLE_EQ((Trial{1000, 1, 0, 0, false}).loss_ratio(), 1);
}

}  // namespace
}  // namespace l2echo::probe
