#include "l2echo/engine/counter_set.hpp"

#include <gtest/gtest.h>

namespace l2echo::engine {
namespace {

TEST(CounterSet, ReadCopiesEveryCounter) {
    CounterSet counters;
    std::uint64_t amount = 1;
    for (const verdict::CountRow& row : verdict::kCountTable)
        counters.add(row.count, amount++);
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        counters.add(row.reason, amount++);
    const verdict::FrameCounts counts = counters.read();
    std::uint64_t expected = 1;
    for (const verdict::CountRow& row : verdict::kCountTable)
        EXPECT_EQ(counts[row.count], expected++) << row.key;
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        EXPECT_EQ(counts[row.reason], expected++) << row.name;
}

TEST(CounterSet, AddIncreasesOnlyItsCounter) {
    CounterSet counters;
    counters.add(verdict::Count::Received, 3);
    counters.add(verdict::Count::Received, 4);
    EXPECT_EQ(counters.read(verdict::Count::Received), 7u);
    EXPECT_EQ(counters.read(verdict::Reason::Runt), 0u);
}

TEST(CounterSet, SharesNoCacheLineWithItsNeighbour) {
    EXPECT_EQ(sizeof(CounterSet) % RTE_CACHE_LINE_SIZE, 0u);
    EXPECT_EQ(alignof(CounterSet), static_cast<std::size_t>(RTE_CACHE_LINE_SIZE));
}

}  // namespace
}  // namespace l2echo::engine
