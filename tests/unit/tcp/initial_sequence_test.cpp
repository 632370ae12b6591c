#include "l2echo/tcp/initial_sequence.hpp"

#include <gtest/gtest.h>

#include <set>

#include "unit/tcp/tuples.hpp"

namespace l2echo::tcp {
namespace {

constexpr hash::SipKey kSequenceKey{1, 2};

TEST(InitialSequence, AdvancesByOneEveryFourMicroseconds) {
    const Sequence start = initial_sequence(kSequenceKey, ipv4_tuple(), Micros(0));
    EXPECT_EQ(initial_sequence(kSequenceKey, ipv4_tuple(), Micros(3)), start);
    EXPECT_EQ(initial_sequence(kSequenceKey, ipv4_tuple(), Micros(4)), start + 1);
    EXPECT_EQ(initial_sequence(kSequenceKey, ipv4_tuple(), std::chrono::hours(1)), start + 900'000'000);
    EXPECT_EQ(initial_sequence(kSequenceKey, ipv4_tuple(), Micros(4LL << 32)), start)
        << "the clock wraps after 4.77 h";
}

TEST(InitialSequence, DependsOnEachPartOfTheTupleAndOnTheKey) {
    std::set<std::uint32_t> seen;
    const auto add = [&](const hash::SipKey& key, const Tuple& tuple) {
        EXPECT_TRUE(seen.insert(initial_sequence(key, tuple, Micros(0)).value()).second);
    };
    add(kSequenceKey, ipv4_tuple());
    add({1, 3}, ipv4_tuple());
    Tuple tuple = ipv4_tuple();
    tuple.local = ipv4_address(9);
    add(kSequenceKey, tuple);
    tuple = ipv4_tuple();
    tuple.remote = ipv4_address(9);
    add(kSequenceKey, tuple);
    tuple = ipv4_tuple();
    tuple.local_port = 8;
    add(kSequenceKey, tuple);
    add(kSequenceKey, ipv4_tuple(40'001));
    tuple = ipv4_tuple();
    tuple.local.version = tuple.remote.version = 6;
    add(kSequenceKey, tuple);
}

TEST(InitialSequence, TimestampsAndTablesDoNotRevealIt) {
    const std::uint32_t sequence = initial_sequence(kSequenceKey, ipv4_tuple(), Micros(0)).value();
    EXPECT_NE(timestamp_clock(kSequenceKey, ipv4_tuple()).offset(), sequence);
    EXPECT_NE(static_cast<std::uint32_t>(hash_tuple(kSequenceKey, ipv4_tuple())), sequence);
    EXPECT_NE(timestamp_clock(kSequenceKey, ipv4_tuple()).offset(),
              timestamp_clock(kSequenceKey, ipv4_tuple(1)).offset());
}

}  // namespace
}  // namespace l2echo::tcp
