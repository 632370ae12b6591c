#include "l2echo/probe/stream_tracker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace l2echo {
namespace {

TEST(StreamTracker, InOrderIsNothingButUnique) {
    StreamTracker tracker;
    for (std::uint64_t sequence = 0; sequence < 1'000'000; ++sequence)
        EXPECT_TRUE(tracker.add(sequence));
    EXPECT_EQ(tracker.counts().unique, 1'000'000u);
    EXPECT_EQ(tracker.counts().duplicated + tracker.counts().reordered + tracker.counts().late, 0u);
}

TEST(StreamTracker, CountsDuplicatesNearAndFar) {
    StreamTracker tracker;
    for (std::uint64_t sequence = 0; sequence < 1000; ++sequence)
        tracker.add(sequence);
    EXPECT_FALSE(tracker.add(999));
    EXPECT_FALSE(tracker.add(0));
    EXPECT_FALSE(tracker.add(0));
    EXPECT_EQ(tracker.counts().duplicated, 3u);
    EXPECT_EQ(tracker.counts().unique, 1000u);
    EXPECT_EQ(tracker.counts().reordered, 0u);
}

TEST(StreamTracker, CountsReorderingAndItsLargestDistance) {
    StreamTracker tracker;
    for (const std::uint64_t sequence : {0u, 1u, 5u, 2u, 6u, 3u, 4u, 7u})
        tracker.add(sequence);
    EXPECT_EQ(tracker.counts().unique, 8u);
    EXPECT_EQ(tracker.counts().reordered, 3u);
    EXPECT_EQ(tracker.counts().largest_distance, 3u);
}

TEST(StreamTracker, TellsLateFromDuplicatedOnlyWithinItsWindow) {
    StreamTracker tracker;
    tracker.add(StreamTracker::kWindow + 10);
    EXPECT_TRUE(tracker.add(11)) << "the oldest in the window";
    EXPECT_FALSE(tracker.add(10)) << "one too old";
    EXPECT_EQ(tracker.counts().late, 1u);
    EXPECT_EQ(tracker.counts().reordered, 1u);
}

TEST(StreamTracker, ALeapForgetsWhatWasBefore) {
    StreamTracker tracker;
    tracker.add(0);
    tracker.add(10 * StreamTracker::kWindow);
    EXPECT_TRUE(tracker.add(10 * StreamTracker::kWindow - 1)) << "0's place in the window must be free again";
    EXPECT_EQ(tracker.counts().duplicated, 0u);
}

TEST(StreamTracker, AgreesWithASetOnShuffledAndRepeatedNumbers) {
    std::mt19937 random(6);
    std::vector<std::uint64_t> numbers(50'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    for (std::size_t at = 0; at + 64 <= numbers.size(); at += 64)
        std::shuffle(numbers.begin() + static_cast<std::ptrdiff_t>(at),
                     numbers.begin() + static_cast<std::ptrdiff_t>(at) + 64, random);
    StreamTracker tracker;
    std::set<std::uint64_t> seen;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (random() % 10 == 0)
            continue;  // lost
        for (unsigned copies = random() % 8 == 0 ? 2 : 1; copies > 0; --copies) {
            const bool behind = !seen.empty() && numbers[i] < *seen.rbegin();
            const bool fresh = seen.insert(numbers[i]).second;
            duplicated += fresh ? 0 : 1;
            reordered += fresh && behind ? 1 : 0;
            EXPECT_EQ(tracker.add(numbers[i]), fresh);
        }
    }
    EXPECT_EQ(tracker.counts().unique, seen.size());
    EXPECT_EQ(tracker.counts().duplicated, duplicated);
    EXPECT_EQ(tracker.counts().reordered, reordered);
}

}  // namespace
}  // namespace l2echo
