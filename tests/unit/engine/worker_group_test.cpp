#include "l2echo/engine/worker_group.hpp"

#include <gtest/gtest.h>

namespace l2echo::engine {
namespace {

TEST(WorkerPlan, MainLcoreReportsAndTheOthersEcho) {
    const WorkerPlan plan = plan_workers({0, 0, 0}, {{1, 1, 0}, {2, 2, 0}});
    EXPECT_FALSE(plan.on_main_lcore);
    ASSERT_EQ(plan.lcores.size(), 2u);
    EXPECT_EQ(plan.lcores[0].id, 1u);
}

TEST(WorkerPlan, SingleLcoreEchoesItself) {
    const WorkerPlan plan = plan_workers({3, 3, 0}, {});
    EXPECT_TRUE(plan.on_main_lcore);
    ASSERT_EQ(plan.lcores.size(), 1u);
    EXPECT_EQ(plan.lcores[0].id, 3u);
}

}  // namespace
}  // namespace l2echo::engine
