#include "l2echo/fifo/intervals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace l2echo::fifo {
namespace {

/// Each test counts from a base, from some of which the positions wrap.
class IntervalsFrom : public testing::TestWithParam<std::uint32_t> {
  protected:
    ~IntervalsFrom() override {
        intervals_.release(arena_);
        EXPECT_EQ(arena_.free_bytes(), arena_.size());
        EXPECT_EQ(arena_.wrong_releases(), 0U);
    }

    Interval from_base(std::uint32_t begin, std::uint32_t end) const { return {base_ + begin, base_ + end}; }
    bool add(std::uint32_t begin, std::uint32_t end) { return intervals_.add(arena_, from_base(begin, end)); }
    std::vector<Interval> all() const {
        std::vector<Interval> found;
        for (std::size_t i = 0; i < intervals_.count(); ++i)
            found.push_back({intervals_.at(i).begin - base_, intervals_.at(i).end - base_});
        return found;
    }
    std::vector<Interval> recent(std::size_t count) const {
        std::vector<Interval> found(count);
        found.resize(intervals_.recent(found));
        for (Interval& interval : found)
            interval = {interval.begin - base_, interval.end - base_};
        return found;
    }
    Interval hole(std::uint32_t begin, std::uint32_t end) const {
        const Interval found = intervals_.first_hole(from_base(begin, end));
        return {found.begin - base_, found.end - base_};
    }
    Interval held(std::uint32_t begin, std::uint32_t end) const {
        const Interval found = intervals_.first_held(from_base(begin, end));
        return {found.begin - base_, found.end - base_};
    }
    std::uint32_t advance(std::uint32_t tail) { return intervals_.advance(arena_, base_ + tail) - base_; }

    std::vector<std::byte> memory_ = std::vector<std::byte>(8192);
    Arena arena_{memory_};
    std::uint32_t base_ = GetParam();
    OutOfOrderIntervals intervals_;
};
INSTANTIATE_TEST_SUITE_P(Bases, IntervalsFrom, testing::Values(0U, 0xFFFF'FFFFU, 0xFFFF'FFE0U, 0x7FFF'FFE0U));

using List = std::vector<Interval>;

TEST_P(IntervalsFrom, AreInStreamOrder) {
    EXPECT_TRUE(intervals_.empty());
    EXPECT_TRUE(add(50, 60));
    EXPECT_TRUE(add(10, 20));
    EXPECT_TRUE(add(30, 40));
    EXPECT_TRUE(add(7, 7)) << "nothing to add";
    EXPECT_EQ(all(), (List{{10, 20}, {30, 40}, {50, 60}}));
    EXPECT_EQ(intervals_.end(), base_ + 60);
}

TEST_P(IntervalsFrom, MergeWithWhatTheyOverlapOrTouch) {
    add(10, 20);
    add(20, 25);
    EXPECT_EQ(all(), (List{{10, 25}}));
    add(5, 10);
    EXPECT_EQ(all(), (List{{5, 25}}));
    add(40, 50);
    add(60, 70);
    add(24, 61);
    EXPECT_EQ(all(), (List{{5, 70}}));
    add(6, 8);
    EXPECT_EQ(all(), (List{{5, 70}}));
    add(0, 100);
    EXPECT_EQ(all(), (List{{0, 100}}));
}

TEST_P(IntervalsFrom, AreReportedMostRecentFirst) {
    add(10, 20);
    add(30, 40);
    add(50, 60);
    add(70, 80);
    add(90, 99);
    EXPECT_EQ(recent(3), (List{{90, 99}, {70, 80}, {50, 60}}));
    add(20, 25);
    EXPECT_EQ(recent(4), (List{{10, 25}, {90, 99}, {70, 80}, {50, 60}}));
    add(12, 13);  // a duplicate: its block is the most recent, too (RFC 2018 4)
    EXPECT_EQ(recent(1), (List{{10, 25}}));
    add(40, 50);  // joins two, and takes one place
    EXPECT_EQ(recent(8), (List{{30, 60}, {10, 25}, {90, 99}, {70, 80}}));
    EXPECT_EQ(recent(0), List{});
}

TEST_P(IntervalsFrom, NameTheHolesOfARange) {
    EXPECT_EQ(hole(0, 9), (Interval{0, 9})) << "nothing has arrived";
    add(10, 20);
    add(30, 40);
    EXPECT_EQ(hole(0, 50), (Interval{0, 10}));
    EXPECT_EQ(hole(10, 50), (Interval{20, 30}));
    EXPECT_EQ(hole(15, 25), (Interval{20, 25}));
    EXPECT_EQ(hole(30, 50), (Interval{40, 50}));
    EXPECT_EQ(hole(41, 50), (Interval{41, 50}));
    EXPECT_EQ(hole(0, 5), (Interval{0, 5}));
    EXPECT_TRUE(hole(12, 20).empty());
    EXPECT_TRUE(hole(10, 20).empty());
    EXPECT_TRUE(hole(30, 40).empty());
}

TEST_P(IntervalsFrom, NameWhatArrivedTwice) {
    EXPECT_TRUE(held(0, 9).empty());
    add(10, 20);
    add(30, 40);
    EXPECT_EQ(held(0, 50), (Interval{10, 20}));
    EXPECT_EQ(held(15, 50), (Interval{15, 20}));
    EXPECT_EQ(held(20, 35), (Interval{30, 35}));
    EXPECT_TRUE(held(20, 30).empty());
    EXPECT_TRUE(held(40, 90).empty());
    EXPECT_TRUE(held(0, 10).empty());
}

TEST_P(IntervalsFrom, JoinTheStreamWhenTheHoleBeforeThemIsFilled) {
    add(10, 20);
    add(20, 30);
    add(40, 50);
    add(60, 70);
    EXPECT_EQ(advance(5), 5U) << "the hole remains";
    EXPECT_EQ(advance(10), 30U);
    EXPECT_EQ(all(), (List{{40, 50}, {60, 70}}));
    EXPECT_EQ(advance(45), 50U);
    EXPECT_EQ(advance(90), 90U) << "beyond all of them";
    EXPECT_TRUE(intervals_.empty());
    EXPECT_EQ(arena_.free_bytes(), arena_.size()) << "no interval, no memory";
}

TEST_P(IntervalsFrom, RefuseAndCountAPieceThatIsTooMany) {
    for (std::uint32_t i = 0; i < OutOfOrderIntervals::kMaxIntervals; ++i)
        ASSERT_TRUE(add(100 + 10 * i, 105 + 10 * i));
    const List before = all();
    EXPECT_FALSE(add(1000, 1001));
    EXPECT_FALSE(add(0, 1)) << "nothing is dropped for a nearer piece: that would be reneging (RFC 2018 8)";
    EXPECT_EQ(intervals_.refused(), 2U);
    EXPECT_EQ(all(), before);
    EXPECT_TRUE(add(105, 106)) << "a piece that touches another takes no place";
    EXPECT_TRUE(add(106, 120)) << "it joins two";
    EXPECT_TRUE(add(1000, 1001)) << "and one place is free";
    EXPECT_EQ(advance(100), 125U);
    EXPECT_TRUE(add(2000, 2001));
    EXPECT_EQ(intervals_.refused(), 2U);
}

TEST_P(IntervalsFrom, RefuseWhenTheArenaIsExhausted) {
    std::vector<void*> others;
    while (void* block = arena_.allocate(Arena::kMinBlock))
        others.push_back(block);
    EXPECT_FALSE(add(10, 20));
    EXPECT_EQ(intervals_.refused(), 1U);
    EXPECT_TRUE(intervals_.empty());
    EXPECT_EQ(advance(15), 15U);
    for (void* block : others)
        arena_.release(block);
    EXPECT_TRUE(add(10, 20));
}

TEST_P(IntervalsFrom, AgreeWithAListOfSingleBytes) {
    constexpr std::uint32_t kRange = 400;
    for (unsigned seed = 0; seed < 60; ++seed) {
        std::mt19937 random(seed);
        std::array<bool, kRange> arrived{};
        std::uint32_t tail = 0;
        for (int round = 0; round < 300 && tail < kRange; ++round) {
            const auto begin = tail + static_cast<std::uint32_t>(random()) % (kRange - tail);
            const auto end = std::min(kRange, begin + 1 + static_cast<std::uint32_t>(random()) % 6);
            const Interval first_hole = hole(begin, end);
            std::uint32_t expected = begin;
            while (expected < end && arrived.at(expected))
                ++expected;
            ASSERT_EQ(first_hole.begin, expected);
            for (expected = first_hole.begin; expected < end && !arrived.at(expected);)
                ++expected;
            ASSERT_EQ(first_hole.end, expected);
            const Interval first_held = held(begin, end);
            for (expected = begin; expected < end && !arrived.at(expected);)
                ++expected;
            ASSERT_EQ(first_held.begin, expected);
            if (add(begin, end))
                std::fill(arrived.begin() + begin, arrived.begin() + end, true);
            else
                ASSERT_EQ(intervals_.count(), OutOfOrderIntervals::kMaxIntervals);
            if (!intervals_.empty()) {
                ASSERT_TRUE(arrived.at(intervals_.end() - base_ - 1));
            }
            if (random() % 8 == 0 || intervals_.count() == OutOfOrderIntervals::kMaxIntervals) {
                expected = tail + static_cast<std::uint32_t>(random()) % 4;
                const std::uint32_t filled = std::min(expected, kRange);
                std::fill(arrived.begin() + tail, arrived.begin() + filled, true);
                for (expected = filled; expected < kRange && arrived.at(expected);)
                    ++expected;
                tail = advance(filled);
                ASSERT_EQ(tail, expected);
            }
        }
        intervals_.release(arena_);
    }
}

}  // namespace
}  // namespace l2echo::fifo
