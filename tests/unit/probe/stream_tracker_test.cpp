#include "l2echo/probe/run/stream_tracker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>
#include <set>
#include <thread>

namespace l2echo::probe {
namespace {

TEST(StreamTracker, InOrderFramesAreOnlyUnique) {
    SeenNumbers seen;
    StreamTracker tracker(seen);
    for (std::uint64_t sequence = 0; sequence < 1'000'000; ++sequence)
        EXPECT_TRUE(tracker.add(sequence));
    EXPECT_EQ(tracker.counts().unique, 1'000'000u);
    EXPECT_EQ(tracker.counts().duplicated + tracker.counts().reordered + tracker.counts().late, 0u);
}

TEST(StreamTracker, CountsDuplicatesAtAnyDistance) {
    SeenNumbers seen;
    StreamTracker tracker(seen);
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
    SeenNumbers seen;
    StreamTracker tracker(seen);
    for (const std::uint64_t sequence : {0u, 1u, 5u, 2u, 6u, 3u, 4u, 7u})
        tracker.add(sequence);
    EXPECT_EQ(tracker.counts().unique, 8u);
    EXPECT_EQ(tracker.counts().reordered, 3u);
    EXPECT_EQ(tracker.counts().largest_distance, 3u);
}

TEST(StreamTracker, DistinguishesLateFromDuplicatedWithinThePromisedWindow) {
    constexpr std::uint64_t kHighest = SeenNumbers::kNumbers + 10;
    SeenNumbers seen;
    StreamTracker tracker(seen);
    tracker.add(kHighest);
    EXPECT_TRUE(tracker.add(kHighest - SeenNumbers::kNumbers + 32))
        << "the oldest number that is certainly remembered";
    EXPECT_FALSE(tracker.add(10)) << "its word has been reused";
    EXPECT_EQ(tracker.counts().late, 1u);
    EXPECT_EQ(tracker.counts().reordered, 1u);
    EXPECT_EQ(tracker.counts().duplicated, 0u);
}

TEST(StreamTracker, TrackersOfTwoQueuesCountANumberOnce) {
    SeenNumbers seen;
    StreamTracker first(seen);
    StreamTracker second(seen);
    EXPECT_TRUE(first.add(0));
    EXPECT_FALSE(second.add(0));
    EXPECT_TRUE(second.add(1));
    EXPECT_FALSE(first.add(1));
    EXPECT_EQ(first.counts().unique + second.counts().unique, 2u);
    EXPECT_EQ(first.counts().duplicated, 1u);
    EXPECT_EQ(second.counts().duplicated, 1u);
}

TEST(StreamTracker, OrderIsJudgedWithinAQueue) {
    SeenNumbers seen;
    StreamTracker first(seen);
    StreamTracker second(seen);
    for (const std::uint64_t even : {0u, 2u, 4u, 6u})
        first.add(even);
    for (const std::uint64_t odd : {1u, 5u, 3u, 7u})
        second.add(odd);
    EXPECT_EQ(first.counts().reordered, 0u);
    EXPECT_EQ(second.counts().reordered, 1u);
    EXPECT_EQ(second.counts().largest_distance, 2u);
    EXPECT_EQ(first.counts().unique + second.counts().unique, 8u);
}

TEST(SeenNumbers, FourConcurrentThreadsMarkEachNumberFirstOnlyOnce) {
    constexpr std::uint64_t kFrames = 4 * SeenNumbers::kNumbers;
    SeenNumbers seen;
    std::array<std::atomic<std::uint64_t>, 4> at{};
    std::atomic<std::uint64_t> firsts{0};
    std::atomic<std::uint64_t> repeats{0};
    {
        std::vector<std::jthread> threads;
        for (std::size_t thread = 0; thread < at.size(); ++thread)
            threads.emplace_back([&, thread] {
                for (std::uint64_t sequence = 0; sequence < kFrames; ++sequence) {
                    // No thread runs so far ahead that the others' numbers expire.
                    while (sequence > *std::ranges::min_element(at) + SeenNumbers::kNumbers / 2)
                        std::this_thread::yield();
                    const auto mark = seen.mark(sequence);
                    (mark == SeenNumbers::Mark::First ? firsts : repeats) += 1;
                    at[thread] = sequence;
                }
            });
    }
    EXPECT_EQ(firsts, kFrames);
    EXPECT_EQ(repeats, 3 * kFrames);
}

TEST(StreamTracker, SequenceNumbersHave48Bits) {
    constexpr std::uint64_t kLast = (std::uint64_t{1} << 48) - 1;
    SeenNumbers seen;
    StreamTracker tracker(seen);
    for (std::uint64_t sequence = kLast - 2 * SeenNumbers::kNumbers; sequence < kLast; ++sequence)
        ASSERT_TRUE(tracker.add(sequence)) << sequence;
    EXPECT_TRUE(tracker.add(kLast));
    EXPECT_FALSE(tracker.add(kLast)) << "a duplicate";
    EXPECT_EQ(tracker.counts().unique, 2 * SeenNumbers::kNumbers + 1);
    EXPECT_EQ(tracker.counts().duplicated, 1u);
    EXPECT_EQ(tracker.counts().late + tracker.counts().reordered, 0u);
}

TEST(StreamTracker, LargeGapForgetsEarlierNumbers) {
    SeenNumbers seen;
    StreamTracker tracker(seen);
    tracker.add(0);
    tracker.add(10 * SeenNumbers::kNumbers);
    EXPECT_TRUE(tracker.add(10 * SeenNumbers::kNumbers - 1)) << "the slot of 0 must have been cleared";
    EXPECT_EQ(tracker.counts().duplicated, 0u);
}

TEST(StreamTracker, AgreesWithASetOnShuffledAndRepeatedNumbers) {
    std::mt19937 random(6);
    std::vector<std::uint64_t> numbers(50'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    for (std::size_t at = 0; at + 64 <= numbers.size(); at += 64)
        std::shuffle(numbers.begin() + static_cast<std::ptrdiff_t>(at),
                     numbers.begin() + static_cast<std::ptrdiff_t>(at) + 64, random);
    SeenNumbers seen;
    StreamTracker tracker(seen);
    std::set<std::uint64_t> model;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (random() % 10 == 0)
            continue;  // lost
        for (unsigned copies = random() % 8 == 0 ? 2 : 1; copies > 0; --copies) {
            const bool behind = !model.empty() && numbers[i] < *model.rbegin();
            const bool fresh = model.insert(numbers[i]).second;
            duplicated += fresh ? 0 : 1;
            reordered += fresh && behind ? 1 : 0;
            EXPECT_EQ(tracker.add(numbers[i]), fresh);
        }
    }
    EXPECT_EQ(tracker.counts().unique, model.size());
    EXPECT_EQ(tracker.counts().duplicated, duplicated);
    EXPECT_EQ(tracker.counts().reordered, reordered);
}

}  // namespace
}  // namespace l2echo::probe
