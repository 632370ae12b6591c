#include "l2echo/fifo/arena.hpp"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

namespace l2echo::fifo {
namespace {

constexpr std::uint64_t kBits = 64;

constexpr std::uint64_t words_for(std::uint64_t bits) noexcept {
    return (bits + kBits - 1) / kBits;
}

/// Words of all levels of a tree of bitmaps.
constexpr std::uint64_t tree_words(std::uint64_t bits) noexcept {
    std::uint64_t words = 0;
    do {
        bits = words_for(bits);
        words += bits;
    } while (bits > 1);
    return words;
}

constexpr std::uint64_t bit_of(std::uint32_t at) noexcept {
    return std::uint64_t{1} << at % kBits;
}

}  // namespace

bool Arena::FreeBlocks::contains(std::uint32_t block) const noexcept {
    return (levels[0][block / kBits] & bit_of(block)) != 0;
}

void Arena::FreeBlocks::insert(std::uint32_t block) noexcept {
    for (std::uint32_t level = 0; level <= top; ++level, block /= kBits) {
        std::uint64_t& word = levels[level][block / kBits];
        const bool was_empty = word == 0;
        word |= bit_of(block);
        if (!was_empty)
            return;
    }
}

void Arena::FreeBlocks::remove(std::uint32_t block) noexcept {
    for (std::uint32_t level = 0; level <= top; ++level, block /= kBits) {
        std::uint64_t& word = levels[level][block / kBits];
        word &= ~bit_of(block);
        if (word != 0)
            return;
    }
}

std::uint32_t Arena::FreeBlocks::first() const noexcept {
    std::uint32_t at = 0;
    for (std::uint32_t level = top + 1; level-- > 0;)
        at = at * kBits + static_cast<std::uint32_t>(std::countr_zero(levels[level][at]));
    return at;
}

std::uint64_t Arena::words_of(std::uint64_t minimum_blocks) noexcept {
    std::uint64_t words = words_for(minimum_blocks * 8);  // taken_: a byte for each
    for (std::uint32_t size = 0; size < kMaxSizes && minimum_blocks >> size > 0; ++size)
        words += tree_words(minimum_blocks >> size);
    return words;
}

Arena::Arena(std::span<std::byte> memory) noexcept {
    recent_.fill(kNone);
    constexpr std::uint64_t kWord = sizeof(std::uint64_t);
    // Begins with the words, which must be aligned, and continues with the blocks.
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    const std::uint64_t skipped = std::min<std::uint64_t>((kWord - address % kWord) % kWord, memory.size());
    const std::span<std::byte> usable = memory.subspan(skipped);
    const std::uint64_t limit = std::min<std::uint64_t>(usable.size() / kMinBlock, kMaxBlocks);
    // The first guess has no room for the words of all its blocks. Each step leaves out what does not fit.
    std::uint64_t count = limit;
    std::uint64_t begin = 0;
    for (; count > 0; --count) {
        const std::uintptr_t end_of_words = address + skipped + kWord * words_of(count);
        begin = (end_of_words + kMinBlock - 1) / kMinBlock * kMinBlock - (address + skipped);
        const std::uint64_t needed = begin + count * kMinBlock;
        if (needed <= usable.size())
            break;
        count -= std::min(count - 1, (needed - usable.size()) / kMinBlock / 2);
    }
    if (count == 0)
        return;
    auto* words = reinterpret_cast<std::uint64_t*>(usable.data());
    std::uninitialized_fill_n(words, words_of(count), std::uint64_t{0});
    count_ = static_cast<std::uint32_t>(count);
    blocks_ = usable.data() + begin;
    taken_ = reinterpret_cast<std::uint8_t*>(words);
    words += words_for(count * 8);
    for (std::uint32_t size = 0; size < kMaxSizes && count_ >> size > 0; ++size) {
        FreeBlocks& set = free_blocks_[size];
        set.count = count_ >> size;
        std::uint64_t bits = set.count;
        for (std::uint32_t level = 0;; ++level) {
            bits = words_for(bits);
            set.levels[level] = words;
            set.top = level;
            words += bits;
            if (bits == 1)
                break;
        }
    }
    // Blocks as large as fit, from the front.
    for (std::uint32_t at = 0; at < count_;) {
        std::uint32_t size = 0;
        while (size + 1 < kMaxSizes && at % (2U << size) == 0 && (std::uint64_t{2} << size) <= count_ - at)
            ++size;
        insert(size, at >> size);
        at += 1U << size;
    }
    free_ = count_;
}

void Arena::insert(std::uint32_t size, std::uint32_t block) noexcept {
    free_blocks_[size].insert(block);
    sizes_with_free_ |= 1U << size;
}

void Arena::remove(std::uint32_t size, std::uint32_t block) noexcept {
    free_blocks_[size].remove(block);
    if (free_blocks_[size].empty())
        sizes_with_free_ &= ~(1U << size);
}

std::size_t Arena::block_size(std::size_t bytes) noexcept {
    return std::bit_ceil(std::max(bytes, kMinBlock));
}

void* Arena::allocate(std::size_t bytes) noexcept {
    // Larger than any block; bit_ceil() would overflow, too.
    if (bytes == 0 || bytes > kMinBlock << (kMaxSizes - 1)) {
        ++exhausted_;
        return nullptr;
    }
    // The minimum only says so to GCC 14, which warns that countr_zero() may return 64.
    const auto wanted = std::min(static_cast<std::uint32_t>(std::countr_zero(block_size(bytes) / kMinBlock)),
                                 static_cast<std::uint32_t>(kMaxSizes - 1));
    std::uint32_t block = std::exchange(recent_[wanted], kNone);
    if (block == kNone) {
        if (sizes_with_free_ >> wanted == 0)
            merge_recent();
        const std::uint32_t candidates = sizes_with_free_ >> wanted;
        if (candidates == 0) {
            ++exhausted_;
            return nullptr;
        }
        std::uint32_t size = wanted + static_cast<std::uint32_t>(std::countr_zero(candidates));
        block = free_blocks_[size].first();
        remove(size, block);
        while (size > wanted) {
            --size;
            block *= 2;
            insert(size, block + 1);
        }
    }
    const std::uint32_t at = block << wanted;
    taken_[at] = static_cast<std::uint8_t>(wanted + 1);
    free_ -= 1U << wanted;
    return blocks_ + std::size_t{at} * kMinBlock;
}

void Arena::release(void* block) noexcept {
    if (block == nullptr)
        return;
    const std::uint64_t offset =
        reinterpret_cast<std::uintptr_t>(block) - reinterpret_cast<std::uintptr_t>(blocks_);
    if (offset % kMinBlock != 0 || offset / kMinBlock >= count_ || taken_[offset / kMinBlock] == 0) {
        ++wrong_releases_;
        return;
    }
    const auto at = static_cast<std::uint32_t>(offset / kMinBlock);
    const std::uint32_t size = taken_[at] - 1U;
    taken_[at] = 0;
    free_ += 1U << size;
    const std::uint32_t before = std::exchange(recent_[size], at >> size);
    if (before != kNone)
        merge(size, before);
}

/// Merges a free block with its neighbours, and adds what becomes of it to those that can be split.
void Arena::merge(std::uint32_t size, std::uint32_t block) noexcept {
    while (size + 1 < kMaxSizes && (block ^ 1) < free_blocks_[size].count &&
           free_blocks_[size].contains(block ^ 1)) {
        remove(size, block ^ 1);
        block /= 2;
        ++size;
    }
    insert(size, block);
}

void Arena::merge_recent() noexcept {
    for (std::uint32_t size = 0; size < kMaxSizes; ++size)
        if (const std::uint32_t block = std::exchange(recent_[size], kNone); block != kNone)
            merge(size, block);
}

std::size_t Arena::size() const noexcept {
    return std::size_t{count_} * kMinBlock;
}

std::size_t Arena::free_bytes() const noexcept {
    return std::size_t{free_} * kMinBlock;
}

}  // namespace l2echo::fifo
