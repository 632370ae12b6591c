#include "l2echo/machine/numa.hpp"

#include <gtest/gtest.h>

namespace l2echo::machine {
namespace {

TEST(NumaWarnings, AreAbsentIfEverythingIsOnOneNode) {
    EXPECT_TRUE(numa_warnings(1, {{1, 1, 1}, {2, 1, 1}}).empty());
}

TEST(NumaWarnings, NameTheLcoreAndTheNodes) {
    const auto warnings = numa_warnings(1, {{1, 1, 1}, {5, 0, 1}});
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("NUMA node 1, worker on lcore 5 on node 0"), std::string::npos);
}

TEST(NumaWarnings, NameTheQueueWithARemotePool) {
    const auto warnings = numa_warnings(0, {{1, 0, 1}});
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("mempool of queue 0 on node 1"), std::string::npos);
    EXPECT_NE(warnings[0].find("host-setup --apply --only hugepages --hugepages 0=SIZE"), std::string::npos);
}

TEST(NumaWarnings, IgnoreUnknownNodes) {
    EXPECT_TRUE(numa_warnings(kUnknownNode, {{1, 0, 1}}).empty());
    EXPECT_TRUE(numa_warnings(0, {{1, kUnknownNode, kUnknownNode}}).empty());
}

TEST(Numa, ReadsCpuAndMemoryNodesFromTheKernel) {
    EXPECT_GE(numa_node_of_cpu_id(0), kUnknownNode);
    EXPECT_EQ(numa_node_of_cpu_id(-1), kUnknownNode);
    int touched = 1;
    EXPECT_GE(numa_node_of_memory(&touched), kUnknownNode);
}

}  // namespace
}  // namespace l2echo::machine
