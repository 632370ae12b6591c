// Memory that the caller provides, in blocks of a power of two.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace l2echo::fifo {

/// A buddy allocator. Blocks are split when they are too large, and merged with their neighbour when both are
/// free, so memory that is returned can have any size again. Each operation takes time in the order of the
/// logarithm of the arena's size, and none calls the system. What the arena knows about its blocks is kept
/// apart from them, at the start of the memory, so that a write beyond the end of a block does not break it.
///
/// All calls for one arena come from one thread.
class Arena {
  public:
    static constexpr std::size_t kMinBlock = 256;  ///< bytes; also the alignment of each block

    /// `memory` must outlive the arena. About 0.5 % of it, and what is left of a minimum block, is not for
    /// blocks.
    explicit Arena(std::span<std::byte> memory) noexcept;
    ~Arena() = default;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// Takes a block of at least `bytes`, which is block_size(bytes) long and is not cleared. nullptr if no
    /// free block is large enough, or `bytes` is 0.
    void* allocate(std::size_t bytes) noexcept;
    /// Returns a block. A pointer to anything but a block that is taken, such as one that was returned
    /// before, is counted and otherwise ignored. nullptr is allowed.
    void release(void* block) noexcept;

    /// What allocate() takes for so many bytes: the next power of two, and at least kMinBlock.
    static std::size_t block_size(std::size_t bytes) noexcept;

    std::size_t size() const noexcept;        ///< bytes of all blocks
    std::size_t free_bytes() const noexcept;  ///< equals size() when all blocks were returned
    std::uint64_t exhausted() const noexcept { return exhausted_; }  ///< calls of allocate() without a block
    std::uint64_t wrong_releases() const noexcept { return wrong_releases_; }  ///< ignored by release()

  private:
    // A set of blocks of one size, as a tree of bitmaps: each bit of a level says whether a word of the level
    // below has a bit. The first level has a bit for each block.
    static constexpr std::uint32_t kMaxLevels = 6;  // 64^6 exceeds kMaxBlocks
    static constexpr std::uint32_t kMaxSizes = 24;  // 256 bytes << 23 is 2 GiB, more than a FIFO can have
    static constexpr std::uint64_t kMaxBlocks = 0xFFFF'FFFF;

    struct FreeBlocks {
        std::array<std::uint64_t*, kMaxLevels> levels;
        std::uint32_t top = 0;    // index of the level that is one word
        std::uint32_t count = 0;  // blocks of this size that fit in the arena
        bool empty() const noexcept { return count == 0 || *levels[top] == 0; }
        bool contains(std::uint32_t block) const noexcept;
        void insert(std::uint32_t block) noexcept;
        void remove(std::uint32_t block) noexcept;
        std::uint32_t first() const noexcept;
    };

    static std::uint64_t words_of(std::uint64_t minimum_blocks) noexcept;
    void insert(std::uint32_t size, std::uint32_t block) noexcept;
    void remove(std::uint32_t size, std::uint32_t block) noexcept;
    void merge(std::uint32_t size, std::uint32_t block) noexcept;
    void merge_recent() noexcept;

    static constexpr std::uint32_t kNone = 0xFFFF'FFFF;

    std::byte* blocks_ = nullptr;        // minimum blocks, counted from here
    std::uint8_t* taken_ = nullptr;      // by minimum block: 1 + size of the block that begins here, if taken
    std::uint32_t count_ = 0;            // minimum blocks
    std::uint32_t free_ = 0;             // the same, free
    std::uint32_t sizes_with_free_ = 0;  // bit per size: is there a free block?
    std::uint64_t exhausted_ = 0;
    std::uint64_t wrong_releases_ = 0;
    // By size: a block that was released and is not merged yet, or kNone. A connection that is idle between
    // requests returns its FIFOs and takes them again, which would merge and split a block each time.
    std::array<std::uint32_t, kMaxSizes> recent_;
    std::array<FreeBlocks, kMaxSizes> free_blocks_{};  // by size: kMinBlock << index
};

}  // namespace l2echo::fifo
