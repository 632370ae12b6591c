#include "l2echo/probe/run/lcore_plan.hpp"

#include <gtest/gtest.h>

#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

std::vector<dpdk::Lcore> workers(unsigned count) {
    std::vector<dpdk::Lcore> lcores;
    for (unsigned id = 1; id <= count; ++id)
        lcores.push_back({id});
    return lcores;
}

std::string description_of(unsigned worker_count, std::uint16_t queue_pairs) {
    std::string text;
    for (const QueuePairLcores& pair : plan_lcores({0}, workers(worker_count), queue_pairs))
        text += describe(pair) + "; ";
    return text;
}

TEST(QueuePairs, DefaultToOnePerTwoLcoresLimitedByStreams) {
    constexpr std::uint16_t kFlows = 16;
    const std::vector<std::uint16_t> expected = {1, 1, 1, 1, 2, 2, 3};
    for (std::size_t count = 0; count < expected.size(); ++count)
        EXPECT_EQ(plan_queue_pairs(count, {}, kFlows), expected[count]) << count;
    EXPECT_EQ(plan_queue_pairs(8, {}, 1), 1);
    EXPECT_EQ(plan_queue_pairs(8, {}, 3), 3);
    EXPECT_EQ(plan_queue_pairs(4, 4, kFlows), 4);
    EXPECT_EQ(plan_queue_pairs(0, 1, 1), 1);
}

TEST(QueuePairs, TooFewLcoresOrStreamsAreUsageErrorsThatSayWhatToType) {
    const auto message = [](std::size_t count, std::uint16_t asked, std::uint16_t flows) -> std::string {
        try {
            plan_queue_pairs(count, asked, flows);
        } catch (const process::UsageError& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_NE(message(1, 2, 16).find("-l 0-2"), std::string::npos) << message(1, 2, 16);
    EXPECT_NE(message(0, 2, 16).find("there are 0"), std::string::npos) << message(0, 2, 16);
    EXPECT_NE(message(4, 4, 3).find("--flows 4"), std::string::npos) << message(4, 4, 3);
}

TEST(Lcores, TwoPerQueuePairIfThereAreEnoughElseOne) {
    EXPECT_EQ(description_of(0, 1), "lcore 0 sends and checks; ");
    EXPECT_EQ(description_of(1, 1), "lcore 1 sends and checks; ");
    EXPECT_EQ(description_of(2, 1), "lcore 1 sends, lcore 2 checks; ");
    EXPECT_EQ(description_of(3, 1), "lcore 1 sends, lcore 2 checks; ");
    EXPECT_EQ(description_of(3, 2), "lcore 1 sends and checks; lcore 2 sends and checks; ");
    EXPECT_EQ(description_of(4, 2), "lcore 1 sends, lcore 2 checks; lcore 3 sends, lcore 4 checks; ");
}

}  // namespace
}  // namespace l2echo::probe
