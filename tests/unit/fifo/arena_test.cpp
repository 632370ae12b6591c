#include "l2echo/fifo/arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <random>
#include <vector>

namespace l2echo::fifo {
namespace {

constexpr std::size_t kKiB = 1024;

/// An arena in memory that begins `skew` bytes after an aligned address.
struct OwnedArena {
    explicit OwnedArena(std::size_t bytes, std::size_t skew = 0)
        : memory(bytes + skew), arena(std::span(memory).subspan(skew)) {}

    std::vector<std::byte> memory;
    Arena arena;
};

/// Takes blocks until none is left.
std::vector<void*> take_all_of(Arena& arena, std::size_t bytes) {
    std::vector<void*> blocks;
    while (void* block = arena.allocate(bytes))
        blocks.push_back(block);
    return blocks;
}

TEST(Arena, UsesNearlyAllOfItsMemory) {
    for (const std::size_t kibibytes : {2U, 3U, 64U, 100U, 1000U, 4096U, 10000U}) {
        for (const std::size_t skew : {0U, 1U, 255U}) {
            OwnedArena owned(kibibytes * kKiB, skew);
            const auto bytes = static_cast<double>(kibibytes * kKiB);
            EXPECT_LE(owned.arena.size(), kibibytes * kKiB);
            EXPECT_GE(static_cast<double>(owned.arena.size()), bytes * 0.994 - 3 * 256)
                << kibibytes << ' ' << skew;
            EXPECT_EQ(take_all_of(owned.arena, Arena::kMinBlock).size(),
                      owned.arena.size() / Arena::kMinBlock);
            EXPECT_EQ(owned.arena.free_bytes(), 0U);
        }
    }
}

TEST(Arena, WithoutMemoryHasNoBlocks) {
    for (const std::size_t bytes : {0U, 1U, 7U, 255U, 256U, 300U}) {
        OwnedArena owned(bytes);
        EXPECT_EQ(owned.arena.size() / Arena::kMinBlock, take_all_of(owned.arena, 1).size()) << bytes;
    }
    Arena none{std::span<std::byte>()};
    EXPECT_EQ(none.size(), 0U);
    EXPECT_EQ(none.allocate(1), nullptr);
    EXPECT_EQ(none.exhausted(), 1U);
    int other = 0;
    none.release(&other);
    EXPECT_EQ(none.wrong_releases(), 1U);
}

TEST(Arena, RoundsUpToAPowerOfTwo) {
    EXPECT_EQ(Arena::block_size(1), 256U);
    EXPECT_EQ(Arena::block_size(257), 512U);
    EXPECT_EQ(Arena::block_size(65536), 65536U);
    OwnedArena owned(64 * kKiB);
    const std::size_t before = owned.arena.free_bytes();
    EXPECT_NE(owned.arena.allocate(1025), nullptr);
    EXPECT_EQ(owned.arena.free_bytes(), before - 2 * kKiB);
}

TEST(Arena, ReturnsNullptrWhenItIsExhaustedAndCountsIt) {
    OwnedArena owned(64 * kKiB);
    EXPECT_EQ(owned.arena.allocate(64 * kKiB), nullptr) << "larger than the arena";
    EXPECT_EQ(owned.arena.allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(owned.arena.allocate(0), nullptr);
    EXPECT_EQ(owned.arena.exhausted(), 3U);
    const auto blocks = take_all_of(owned.arena, 4 * kKiB);
    EXPECT_GE(blocks.size(), 15U);
    EXPECT_EQ(owned.arena.exhausted(), 4U);
    owned.arena.release(blocks.front());
    EXPECT_EQ(owned.arena.allocate(4 * kKiB), blocks.front());
}

TEST(Arena, MergesBlocksThatAreFreeAgain) {
    OwnedArena owned(257 * kKiB + 2 * kKiB);
    const std::size_t size = owned.arena.size();
    for (int order = 0; order < 3; ++order) {
        std::vector<void*> blocks = take_all_of(owned.arena, Arena::kMinBlock);
        EXPECT_EQ(owned.arena.allocate(128 * kKiB), nullptr);
        if (order == 1)
            std::reverse(blocks.begin(), blocks.end());
        if (order == 2)
            std::shuffle(blocks.begin(), blocks.end(), std::mt19937(1));
        for (void* block : blocks)
            owned.arena.release(block);
        EXPECT_EQ(owned.arena.free_bytes(), size);
        void* large = owned.arena.allocate(256 * kKiB);
        EXPECT_NE(large, nullptr) << order;
        owned.arena.release(large);
    }
    EXPECT_EQ(owned.arena.wrong_releases(), 0U);
}

TEST(Arena, CountsAWrongReleaseAndStaysUsable) {
    OwnedArena owned(64 * kKiB);
    Arena& arena = owned.arena;
    auto* block = static_cast<std::byte*>(arena.allocate(1024));
    arena.release(block + 256);  // inside a block
    arena.release(block + 1);    // at no block's place
    arena.release(block - 256);  // before the first
    arena.release(owned.memory.data() + owned.memory.size());
    EXPECT_EQ(arena.wrong_releases(), 4U);
    arena.release(nullptr);
    EXPECT_EQ(arena.wrong_releases(), 4U);
    arena.release(block);
    EXPECT_EQ(arena.wrong_releases(), 4U);
    arena.release(block);  // again
    EXPECT_EQ(arena.wrong_releases(), 5U);
    EXPECT_EQ(arena.free_bytes(), arena.size());
    EXPECT_EQ(take_all_of(arena, 256).size(), arena.size() / 256);
}

TEST(Arena, BlocksAreAlignedAndDoNotOverlap) {
    OwnedArena owned(300 * kKiB, 13);
    Arena& arena = owned.arena;
    std::map<std::byte*, std::size_t> taken;  // with their bytes
    std::size_t taken_bytes = 0;
    std::mt19937 random(2);
    std::uint64_t exhausted = 0;
    for (int round = 0; round < 200'000; ++round) {
        if (random() % 2 == 0) {
            const std::size_t bytes = 1 + random() % (std::size_t{256} << random() % 10);
            auto* block = static_cast<std::byte*>(arena.allocate(bytes));
            if (block == nullptr) {
                ++exhausted;
                continue;
            }
            const std::size_t size = Arena::block_size(bytes);
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % Arena::kMinBlock, 0U);
            ASSERT_GE(block, owned.memory.data());
            ASSERT_LE(block + size, owned.memory.data() + owned.memory.size());
            const auto next = taken.lower_bound(block);
            ASSERT_TRUE(next == taken.end() || block + size <= next->first);
            ASSERT_TRUE(next == taken.begin() || std::prev(next)->first + std::prev(next)->second <= block);
            std::memset(block, round, size);  // what the arena knows must not be in the blocks
            taken[block] = size;
            taken_bytes += size;
        } else if (!taken.empty()) {
            auto entry = taken.lower_bound(owned.memory.data() + random() % owned.memory.size());
            if (entry == taken.end())
                entry = taken.begin();
            taken_bytes -= entry->second;
            arena.release(entry->first);
            taken.erase(entry);
        }
        ASSERT_EQ(arena.free_bytes(), arena.size() - taken_bytes);
    }
    EXPECT_GT(exhausted, 100U) << "the test reaches exhaustion";
    EXPECT_EQ(arena.exhausted(), exhausted);
    for (const auto& [block, size] : taken)
        arena.release(block);
    EXPECT_EQ(arena.free_bytes(), arena.size());
    EXPECT_EQ(arena.wrong_releases(), 0U);
    EXPECT_NE(arena.allocate(std::bit_floor(arena.size())), nullptr) << "all is merged";
}

TEST(Arena, FindsAFreeBlockAmongMillionsThatAreTaken) {
    OwnedArena owned(300'000 * kKiB);  // 1.2 million blocks: four levels of bitmaps
    std::vector<void*> blocks = take_all_of(owned.arena, Arena::kMinBlock);
    EXPECT_GT(blocks.size(), 1'190'000U);
    std::mt19937 random(3);
    for (int round = 0; round < 1000; ++round) {
        void* block = blocks[random() % blocks.size()];
        owned.arena.release(block);
        ASSERT_EQ(owned.arena.allocate(1), block);
    }
}

}  // namespace
}  // namespace l2echo::fifo
