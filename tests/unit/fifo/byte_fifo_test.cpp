#include "l2echo/fifo/byte_fifo.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace l2echo::fifo {
namespace {

using Memory = std::vector<std::byte>;

/// Bytes of a stream, each of which depends on its position.
Memory stream_bytes(std::uint32_t position, std::size_t count) {
    Memory bytes(count);
    for (std::size_t i = 0; i < count; ++i)
        bytes[i] = static_cast<std::byte>((position + i) * 0x9E37'79B1U >> 21);
    return bytes;
}
Memory joined(const Bytes& bytes) {
    Memory memory(bytes.first.begin(), bytes.first.end());
    memory.insert(memory.end(), bytes.second.begin(), bytes.second.end());
    return memory;
}

/// Positions at which each test starts: ordinary, and so close before the wrap that it happens within the
/// test.
class ByteFifoFrom : public testing::TestWithParam<std::uint32_t> {
  protected:
    ~ByteFifoFrom() override {
        fifo_.release(arena_);
        EXPECT_EQ(arena_.free_bytes(), arena_.size());
        EXPECT_EQ(arena_.wrong_releases(), 0U);
    }

    Memory memory_ = Memory(300'000);
    Arena arena_{memory_};
    std::uint32_t start_ = GetParam();
    ByteFifo fifo_{start_};
};
INSTANTIATE_TEST_SUITE_P(Positions, ByteFifoFrom,
                         testing::Values(0U, 12345U, 0xFFFF'FFFFU, 0xFFFF'FF00U, 0xFFFF'FE01U, 0x7FFF'FFF0U));

TEST_P(ByteFifoFrom, OwnsNoMemoryUntilItGrows) {
    EXPECT_EQ(fifo_.capacity(), 0U);
    EXPECT_EQ(fifo_.space(), 0U);
    EXPECT_EQ(fifo_.write(stream_bytes(start_, 1)), 0U);
    EXPECT_FALSE(fifo_.write_at(0, stream_bytes(start_, 1)));
    EXPECT_EQ(fifo_.room(0, 1).size(), 0U);
    EXPECT_EQ(fifo_.peek(0, 1).size(), 0U);
    Memory to(1);
    EXPECT_EQ(fifo_.read(to), 0U);
    EXPECT_EQ(arena_.free_bytes(), arena_.size());
    EXPECT_TRUE(fifo_.grow(arena_, 300));
    EXPECT_EQ(fifo_.capacity(), 512U);
}

TEST_P(ByteFifoFrom, ReturnsWhatWasWrittenInOrder) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    std::uint32_t written = start_;
    std::uint32_t read = start_;
    for (std::uint32_t round = 0; round < 500; ++round) {
        written += static_cast<std::uint32_t>(fifo_.write(stream_bytes(written, round * 7 % 300)));
        ASSERT_EQ(fifo_.size(), written - read);
        ASSERT_EQ(fifo_.space(), 256 - (written - read));
        Memory to(round * 11 % 200);
        const std::size_t count = fifo_.read(to);
        ASSERT_EQ(count, std::min<std::size_t>(to.size(), written - read));
        to.resize(count);
        ASSERT_EQ(to, stream_bytes(read, count));
        read += static_cast<std::uint32_t>(count);
    }
    EXPECT_GT(read - start_, 10'000U);
    EXPECT_EQ(fifo_.positions().tail, written);
    EXPECT_EQ(fifo_.positions().head, read);
}

TEST_P(ByteFifoFrom, TakesNoMoreThanItsSpace) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    EXPECT_EQ(fifo_.write(stream_bytes(start_, 1000)), 256U);
    EXPECT_EQ(fifo_.space(), 0U);
    EXPECT_EQ(fifo_.write(stream_bytes(start_, 1)), 0U);
    EXPECT_EQ(joined(fifo_.peek(0, 1000)), stream_bytes(start_, 256));
}

TEST_P(ByteFifoFrom, ShowsAnyRangeWithoutTakingIt) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 256)), 256U);
    for (std::uint32_t offset = 0; offset < 300; offset += 13)
        for (std::uint32_t length = 0; length < 300; length += 17) {
            const std::size_t expected = offset >= 256 ? 0 : std::min(length, 256 - offset);
            ASSERT_EQ(joined(fifo_.peek(offset, length)), stream_bytes(start_ + offset, expected));
        }
    EXPECT_EQ(fifo_.size(), 256U);
}

TEST_P(ByteFifoFrom, HoldsBytesAfterTheTailUntilThoseBeforeArrive) {
    ASSERT_TRUE(fifo_.grow(arena_, 512));
    EXPECT_TRUE(fifo_.write_at(100, stream_bytes(start_ + 100, 200)));
    EXPECT_TRUE(fifo_.write_at(400, stream_bytes(start_ + 400, 112)));
    EXPECT_EQ(fifo_.size(), 0U);
    EXPECT_EQ(fifo_.write(stream_bytes(start_, 100)), 100U);
    EXPECT_EQ(joined(fifo_.peek(0, 512)), stream_bytes(start_, 100));
    fifo_.advance_tail(200);
    EXPECT_EQ(joined(fifo_.peek(0, 512)), stream_bytes(start_, 300));
    EXPECT_TRUE(fifo_.write_at(0, stream_bytes(start_ + 300, 100)));
    fifo_.advance_tail(212);
    EXPECT_EQ(joined(fifo_.peek(0, 512)), stream_bytes(start_, 512));
}

TEST_P(ByteFifoFrom, RefusesBytesBeyondItsSpaceAsAWhole) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 56)), 56U);
    EXPECT_FALSE(fifo_.write_at(101, stream_bytes(0, 100)));
    EXPECT_FALSE(fifo_.write_at(201, {}));
    EXPECT_FALSE(fifo_.write_at(0xFFFF'FFFF, stream_bytes(0, 2)));
    EXPECT_TRUE(fifo_.write_at(100, stream_bytes(0, 100)));
    EXPECT_EQ(joined(fifo_.peek(0, 256)), stream_bytes(start_, 56)) << "unread bytes are untouched";
}

TEST_P(ByteFifoFrom, GivesTheRoomOfARangeToFill) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 200)), 200U);
    fifo_.consume(150);
    const Room room = fifo_.room(50, 100);
    ASSERT_EQ(room.size(), 100U);
    const Memory bytes = stream_bytes(start_ + 250, 100);
    std::copy_n(bytes.begin(), room.first.size(), room.first.begin());
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(room.first.size()), room.second.size(),
                room.second.begin());
    ASSERT_TRUE(fifo_.write_at(0, stream_bytes(start_ + 200, 50)));
    fifo_.advance_tail(150);
    EXPECT_EQ(joined(fifo_.peek(0, 256)), stream_bytes(start_ + 150, 200));
    EXPECT_EQ(fifo_.room(0, 1000).size(), 56U) << "cut off at the end of the space";
    EXPECT_EQ(fifo_.room(56, 1).size(), 0U);
}

TEST_P(ByteFifoFrom, KeepsLiveBytesAndPositionsWhenItGrows) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    std::uint32_t head = start_;
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 200)), 200U);
    fifo_.consume(77);
    head += 77;
    ASSERT_TRUE(fifo_.write_at(30, stream_bytes(start_ + 230, 90)));  // out of order
    std::uint32_t written = 123;
    for (std::uint32_t capacity = 512; capacity <= 65536; capacity *= 2) {
        ASSERT_TRUE(fifo_.grow(arena_, capacity, 120));
        EXPECT_EQ(fifo_.capacity(), capacity);
        EXPECT_EQ(fifo_.positions().head, head);
        EXPECT_EQ(fifo_.size(), written);
        EXPECT_EQ(joined(fifo_.peek(0, capacity)), stream_bytes(head, written));
    }
    ASSERT_TRUE(fifo_.write_at(0, stream_bytes(start_ + 200, 30)));
    fifo_.advance_tail(120);
    EXPECT_EQ(joined(fifo_.peek(0, 65536)), stream_bytes(head, written + 120));
    EXPECT_EQ(arena_.free_bytes(), arena_.size() - 65536) << "smaller blocks were returned";
}

TEST_P(ByteFifoFrom, StaysAsItIsWhenTheArenaIsExhausted) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 250)), 250U);
    std::vector<void*> others;
    while (void* block = arena_.allocate(512))
        others.push_back(block);
    EXPECT_FALSE(fifo_.grow(arena_, 512));
    EXPECT_FALSE(fifo_.grow(arena_, 256)) << "not larger";
    EXPECT_FALSE(fifo_.grow(arena_, ByteFifo::kMaxCapacity + 1));
    EXPECT_EQ(fifo_.capacity(), 256U);
    EXPECT_EQ(joined(fifo_.peek(0, 256)), stream_bytes(start_, 250));
    for (void* block : others)
        arena_.release(block);
    EXPECT_TRUE(fifo_.grow(arena_, 512));
    EXPECT_EQ(joined(fifo_.peek(0, 256)), stream_bytes(start_, 250));
}

TEST_P(ByteFifoFrom, ReleasesItsMemoryOnlyWhenItIsEmptyAndContinuesAfterwards) {
    ASSERT_TRUE(fifo_.grow(arena_, 256));
    ASSERT_EQ(fifo_.write(stream_bytes(start_, 2)), 2U);
    fifo_.consume(1);
    EXPECT_FALSE(fifo_.release_when_empty(arena_));
    EXPECT_EQ(fifo_.capacity(), 256U);
    fifo_.consume(1);
    EXPECT_TRUE(fifo_.release_when_empty(arena_));
    EXPECT_EQ(fifo_.capacity(), 0U);
    EXPECT_EQ(arena_.free_bytes(), arena_.size());
    EXPECT_TRUE(fifo_.release_when_empty(arena_)) << "without memory already";
    EXPECT_EQ(fifo_.positions().tail, start_ + 2);
    ASSERT_TRUE(fifo_.grow(arena_, 1024));
    ASSERT_EQ(fifo_.write(stream_bytes(start_ + 2, 1024)), 1024U);
    EXPECT_EQ(joined(fifo_.peek(0, 1024)), stream_bytes(start_ + 2, 1024));
}

TEST(ByteFifo, AgreesWithAPlainQueueInAnyOrderOfCalls) {
    for (unsigned seed = 0; seed < 40; ++seed) {
        std::mt19937 random(seed);
        Memory memory(40'000);
        Arena arena{memory};
        const std::uint32_t start =
            seed % 2 == 0 ? 0U - random() % 3000 : static_cast<std::uint32_t>(random());
        ByteFifo fifo(start);
        std::deque<std::byte> model;
        for (int round = 0; round < 3000; ++round) {
            const auto count = static_cast<std::uint32_t>(random() % 700);
            switch (random() % 6) {
                case 0:
                case 1: {
                    const Memory bytes = stream_bytes(static_cast<std::uint32_t>(random()), count);
                    const std::size_t taken = fifo.write(bytes);
                    ASSERT_EQ(taken, std::min<std::size_t>(count, fifo.capacity() - model.size()));
                    model.insert(model.end(), bytes.begin(),
                                 bytes.begin() + static_cast<std::ptrdiff_t>(taken));
                    break;
                }
                case 2: {
                    Memory to(count);
                    to.resize(fifo.read(to));
                    ASSERT_EQ(to.size(), std::min<std::size_t>(count, model.size()));
                    ASSERT_TRUE(std::equal(to.begin(), to.end(), model.begin()));
                    model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(to.size()));
                    break;
                }
                case 3: {
                    const Memory seen = joined(fifo.peek(count, 500));
                    const std::size_t expected =
                        count >= model.size() ? 0 : std::min<std::size_t>(500, model.size() - count);
                    ASSERT_EQ(seen.size(), expected);
                    if (expected > 0) {
                        ASSERT_TRUE(std::equal(seen.begin(), seen.end(), model.begin() + count));
                    }
                    break;
                }
                case 4:
                    if (fifo.capacity() < 4096 && random() % 4 == 0)
                        fifo.grow(arena, fifo.capacity() + 1 + count);
                    break;
                default:
                    ASSERT_EQ(fifo.release_when_empty(arena), model.empty());
            }
            ASSERT_EQ(fifo.size(), model.size());
        }
        fifo.release(arena);
        ASSERT_EQ(arena.free_bytes(), arena.size());
    }
}

}  // namespace
}  // namespace l2echo::fifo
