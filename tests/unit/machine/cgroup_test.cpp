#include "l2echo/machine/cgroup.hpp"

#include <gtest/gtest.h>

namespace l2echo::machine {
namespace {

bool mentions(const std::string& text, const std::string& words) {
    return text.find(words) != std::string::npos;
}

TEST(CpuMax, ParsesQuotaAndPeriod) {
    EXPECT_EQ(parse_cpu_max("200000 100000"), 2.0);
    EXPECT_EQ(parse_cpu_max("50000 100000\n"), 0.5);
}

TEST(CpuMax, WithoutAQuotaThereIsNone) {
    for (const char* text : {"max 100000", "", "-1 100000", "100000", "100000 0", "x y"})
        EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
}

TEST(QuotaWarning, IsGivenOnlyIfWorkersWouldBeThrottled) {
    EXPECT_FALSE(quota_warning(std::nullopt, 4));
    EXPECT_FALSE(quota_warning(4.0, 4));
    ASSERT_TRUE(quota_warning(1.5, 2));
    EXPECT_TRUE(mentions(*quota_warning(1.5, 2), "1.50 CPUs and 2 lcores"));
}

TEST(CpuQuota, IsReadFromThisHost) {
    EXPECT_GT(read_cpu_quota().value_or(1), 0);
}

}  // namespace
}  // namespace l2echo::machine
