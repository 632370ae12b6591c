// The impairing wire of bench/compare, between two ring-backed ports that the test drives.

#include "impaired_direction.hpp"

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "ring_wire.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kCapacity = 512;
constexpr std::uint32_t kTenPercent = 100'000;

std::vector<std::uint8_t> numbered_frame(std::size_t number) {
    std::vector<std::uint8_t> frame(60);
    frame[20] = static_cast<std::uint8_t>(number >> 8);
    frame[21] = static_cast<std::uint8_t>(number);
    return frame;
}

std::size_t number_of(const std::vector<std::uint8_t>& frame) {
    return std::size_t{frame.at(20)} << 8 | frame.at(21);
}

class ImpairedDirectionTest : public testing::Test {
  protected:
    void start(Impairment impairment, std::uint64_t seed = 7) {
        direction_ =
            std::make_unique<ImpairedDirection>(from_.port(), to_.port(), kCapacity, impairment, seed);
    }

    void send(std::size_t first, std::size_t count) {
        for (std::size_t number = first; number < first + count; ++number)
            from_.send(numbered_frame(number));
    }

    /// Sequence numbers of the frames that come out, in order.
    std::vector<std::size_t> numbers_out() {
        std::vector<std::size_t> numbers;
        for (const auto& frame : to_.take())
            numbers.push_back(number_of(frame));
        return numbers;
    }

    /// Frames that come out until the wire holds none.
    std::vector<std::vector<std::uint8_t>> all_out() {
        std::vector<std::vector<std::uint8_t>> frames;
        do {
            direction_->poll();
            for (auto& frame : to_.take())
                frames.push_back(std::move(frame));
        } while (direction_->held() > 0);
        return frames;
    }

    /// Which of 2000 frames a wire with this seed forwards.
    std::vector<std::size_t> survivors(std::uint64_t seed) {
        start({.loss_per_million = kTenPercent}, seed);
        std::vector<std::size_t> numbers;
        for (std::size_t first = 0; first < 2000; first += 100) {
            send(first, 100);
            direction_->poll();
            const auto out = numbers_out();
            numbers.insert(numbers.end(), out.begin(), out.end());
        }
        return numbers;
    }

    RingWire from_{2047, 2176, 1023};
    RingWire to_{2047, 2176, 127};
    std::unique_ptr<ImpairedDirection> direction_;  // destroyed first: it holds mbufs
};

TEST_F(ImpairedDirectionTest, ForwardsEveryFrameInOrder) {
    start({});
    send(0, 100);
    direction_->poll();
    const auto numbers = numbers_out();
    ASSERT_EQ(numbers.size(), 100u);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        EXPECT_EQ(numbers[i], i);
    EXPECT_EQ(direction_->counts().forwarded, 100u);
    EXPECT_EQ(direction_->counts().lost, 0u);
}

TEST_F(ImpairedDirectionTest, DropsAboutTheConfiguredShareAndCountsIt) {
    const auto numbers = survivors(7);
    EXPECT_EQ(direction_->counts().received, 2000u);
    EXPECT_EQ(numbers.size() + direction_->counts().lost, 2000u);
    EXPECT_EQ(direction_->counts().forwarded, numbers.size());
    EXPECT_GT(direction_->counts().lost, 140u);  // 200 expected, standard deviation 13
    EXPECT_LT(direction_->counts().lost, 260u);
}

TEST_F(ImpairedDirectionTest, SeedDeterminesWhichFramesAreDropped) {
    const auto numbers = survivors(7);
    EXPECT_EQ(survivors(7), numbers);
    EXPECT_NE(survivors(8), numbers);
}

TEST_F(ImpairedDirectionTest, NoFrameLeavesEarly) {
    const std::uint64_t delay = rte_get_tsc_hz() / 50;
    start({.delay_cycles = delay});
    const std::uint64_t begin = rte_rdtsc();
    send(0, 10);
    direction_->poll();
    if (rte_rdtsc() - begin < delay) {
        EXPECT_TRUE(numbers_out().empty());
        EXPECT_EQ(direction_->held(), 10u);
    }
    while (direction_->held() > 0)
        direction_->poll();
    EXPECT_GE(rte_rdtsc() - begin, delay);
    EXPECT_GE(direction_->hold_time().min(), delay);
    EXPECT_EQ(numbers_out().size(), 10u);
}

TEST_F(ImpairedDirectionTest, FullTxQueueDelaysFramesAndDropsNone) {
    start({});
    send(0, 1000);
    std::vector<std::size_t> numbers;
    while (numbers.size() < 1000) {
        direction_->poll();
        EXPECT_LE(direction_->held(), kCapacity);
        const auto out = numbers_out();
        ASSERT_FALSE(out.empty()) << "after " << numbers.size();
        ASSERT_LE(out.size(), 127u);
        numbers.insert(numbers.end(), out.begin(), out.end());
    }
    for (std::size_t i = 0; i < numbers.size(); ++i)
        EXPECT_EQ(numbers[i], i);
}

TEST_F(ImpairedDirectionTest, DuplicatesFollowTheirFrame) {
    start({.duplicate_per_million = 1'000'000});
    send(0, 50);
    const auto frames = all_out();
    ASSERT_EQ(frames.size(), 100u);
    for (std::size_t i = 0; i < frames.size(); ++i)
        EXPECT_EQ(frames[i], numbered_frame(i / 2));
    EXPECT_EQ(direction_->counts().duplicated, 50u);
    EXPECT_EQ(direction_->counts().forwarded, 100u);
    EXPECT_EQ(from_.mbufs_in_use(), 0u);
}

TEST_F(ImpairedDirectionTest, InvertsOneBitBehindTheEthernetHeader) {
    start({.corrupt_per_million = 1'000'000});
    send(0, 100);
    const auto frames = all_out();
    ASSERT_EQ(frames.size(), 100u);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto sent = numbered_frame(i);
        int bits = 0;
        for (std::size_t at = 0; at < sent.size(); ++at) {
            const int different = std::popcount(static_cast<std::uint8_t>(frames[i].at(at) ^ sent[at]));
            EXPECT_TRUE(different == 0 || at >= 14) << at;
            bits += different;
        }
        EXPECT_EQ(bits, 1);
    }
    EXPECT_EQ(direction_->counts().corrupted, 100u);
}

TEST_F(ImpairedDirectionTest, LaterFramesOvertakeReorderedOnes) {
    start({.reorder_per_million = 200'000, .reorder_cycles = rte_get_tsc_hz() / 200});
    send(0, 200);
    std::vector<std::size_t> numbers;
    for (const auto& frame : all_out())
        numbers.push_back(number_of(frame));
    ASSERT_EQ(numbers.size(), 200u);
    const std::uint64_t reordered = direction_->counts().reordered;
    EXPECT_GT(reordered, 15u);  // 40 expected, standard deviation 6
    EXPECT_LT(reordered, 80u);
    const auto late = numbers.end() - static_cast<std::ptrdiff_t>(reordered);
    EXPECT_TRUE(std::is_sorted(numbers.begin(), late));
    EXPECT_TRUE(std::is_sorted(late, numbers.end()));
    EXPECT_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST_F(ImpairedDirectionTest, RateSpacesFramesAndTheQueueDropsWhatItCannotHold) {
    const double hz = static_cast<double>(rte_get_tsc_hz());
    // A frame of 60 bytes occupies 84 on the line: 1 ms here. The queue holds what waits for at most 10 ms.
    const Impairment impairment{.cycles_per_byte = hz / 1000 / 84,
                                .queue_cycles = static_cast<std::uint64_t>(hz / 100) + 1};
    start(impairment);
    const std::uint64_t begin = rte_rdtsc();
    send(0, 30);
    const auto frames = all_out();
    const double milliseconds = static_cast<double>(rte_rdtsc() - begin) * 1000 / hz;
    const ImpairmentCounts& counts = direction_->counts();
    EXPECT_EQ(counts.received, 30u);
    EXPECT_EQ(counts.forwarded + counts.overflowed, 30u);
    EXPECT_EQ(frames.size(), counts.forwarded);
    EXPECT_GE(counts.forwarded, 11u);
    EXPECT_GE(milliseconds, static_cast<double>(counts.forwarded));
    // They arrived in one burst, unless the machine paused between the calls.
    if (milliseconds < 12) {
        EXPECT_EQ(counts.forwarded, 11u);
    }
}

TEST_F(ImpairedDirectionTest, FreesTheFramesItStillHolds) {
    start({.delay_cycles = rte_get_tsc_hz() * 3600});
    send(0, 50);
    direction_->poll();
    EXPECT_EQ(from_.mbufs_in_use(), 50u);
    direction_.reset();
    EXPECT_EQ(from_.mbufs_in_use(), 0u);
}

}  // namespace
}  // namespace l2echo
