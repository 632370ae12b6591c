#include "l2echo/engine/counter_set.hpp"

#include <gtest/gtest.h>

namespace l2echo::engine {
namespace {

TEST(QueuePairCounters, ReadCopiesEveryCounter) {
    QueuePairCounters counters;
    counters.bursts.add(1);
    counters.received.add(15);
    counters.received_bytes.add(600);
    counters.echoed.add(6);
    counters.echoed_bytes.add(360);
    counters.answered.add(5);
    counters.dropped.add(1);
    counters.tx_retries.add(2);
    counters.checks_sent.add(7);
    counters.refused_by[0].add(1);
    counters.refused_by[echo::kRefusalReasons - 1].add(2);

    QueuePairCounts counts = counters.read();
    EXPECT_EQ(counts.refused(), 3u);
    EXPECT_EQ(counts.received, counts.echoed + counts.answered + counts.refused() + counts.dropped);

    counts += counters.read();
    EXPECT_EQ(counts.bursts, 2u);
    EXPECT_EQ(counts.received, 30u);
    EXPECT_EQ(counts.answered, 10u);
    EXPECT_EQ(counts.checks_sent, 14u);
    EXPECT_EQ(counts.received_bytes, 1200u);
    EXPECT_EQ(counts.echoed, 12u);
    EXPECT_EQ(counts.echoed_bytes, 720u);
    EXPECT_EQ(counts.dropped, 2u);
    EXPECT_EQ(counts.tx_retries, 4u);
    EXPECT_EQ(counts.refused_by[echo::kRefusalReasons - 1], 4u);
}

TEST(QueuePairCounters, ShareNoCacheLineWithTheirNeighbour) {
    EXPECT_EQ(sizeof(QueuePairCounters) % RTE_CACHE_LINE_SIZE, 0u);
    EXPECT_EQ(alignof(QueuePairCounters), static_cast<std::size_t>(RTE_CACHE_LINE_SIZE));
}

}  // namespace
}  // namespace l2echo::engine
