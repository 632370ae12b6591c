#include "l2echo/machine/cpu_set.hpp"

#include <gtest/gtest.h>
#include <sched.h>

namespace l2echo::machine {
namespace {

TEST(CpuSet, FormatsRanges) {
    EXPECT_EQ(format_cpus({}), "none");
    EXPECT_EQ(format_cpus({3}), "3");
    EXPECT_EQ(format_cpus({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
}

TEST(AllowedCpus, IncludeTheCurrentCpu) {
    EXPECT_TRUE(allowed_cpus().contains(sched_getcpu()));
}

}  // namespace
}  // namespace l2echo::machine
