// Bytes of one direction of a connection, in order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/fifo/arena.hpp"

namespace l2echo::fifo {

/// Free-running positions in the stream, which wrap: the byte at a position is at `position & mask`. They are
/// apart from the geometry because they can be shared with an application later, and the geometry cannot.
struct FifoPositions {
    std::uint32_t tail = 0;  ///< of the next byte that is written
    std::uint32_t head = 0;  ///< of the next byte that is read
};

/// A range of the FIFO's bytes: two spans where it wraps.
struct Bytes {
    std::span<const std::byte> first;
    std::span<const std::byte> second;

    std::size_t size() const noexcept { return first.size() + second.size(); }
};
/// The same to write to.
struct Room {
    std::span<std::byte> first;
    std::span<std::byte> second;

    std::size_t size() const noexcept { return first.size() + second.size(); }
};

/// A ring of a power of two bytes from an arena, or without memory. One thread writes and reads.
///
/// The bytes from head to tail are in order. Bytes after the tail can be written before those that precede
/// them, up to the capacity; the caller knows which are (OutOfOrderIntervals), and advances the tail over
/// them. All counts are bytes.
class ByteFifo {
  public:
    static constexpr std::uint32_t kMaxCapacity = std::uint32_t{1} << 30;

    /// Without memory: space() is 0 until grow(). Both positions are `start`.
    explicit ByteFifo(std::uint32_t start = 0) noexcept : positions_{start, start} {}
    /// The memory must have been released.
    ~ByteFifo();
    ByteFifo(const ByteFifo&) = delete;
    ByteFifo& operator=(const ByteFifo&) = delete;

    std::uint32_t size() const noexcept { return positions_.tail - positions_.head; }
    bool empty() const noexcept { return positions_.tail == positions_.head; }
    std::uint32_t capacity() const noexcept { return capacity_; }
    std::uint32_t space() const noexcept { return capacity_ - size(); }
    const FifoPositions& positions() const noexcept { return positions_; }

    /// Appends up to space() bytes and returns how many.
    std::size_t write(std::span<const std::byte> bytes) noexcept;
    /// Writes bytes that begin `offset` after the tail, which does not move. False, and nothing is written,
    /// if they do not fit: offset + bytes.size() exceeds space().
    bool write_at(std::uint32_t offset, std::span<const std::byte> bytes) noexcept;
    /// The place of `length` bytes that begin `offset` after the tail, to copy and sum in one pass. Cut off
    /// at the end of the space.
    Room room(std::uint32_t offset, std::uint32_t length) noexcept;
    /// The next `count` bytes are written; at most space().
    void advance_tail(std::uint32_t count) noexcept;

    /// Up to `length` bytes that begin `offset` after the head, cut off at the tail. Valid until the next
    /// call that is not const.
    Bytes peek(std::uint32_t offset, std::uint32_t length) const noexcept;
    /// Drops the next `count` bytes; at most size().
    void consume(std::uint32_t count) noexcept;
    /// Takes up to bytes.size() bytes and returns how many.
    std::size_t read(std::span<std::byte> bytes) noexcept;

    /// Takes a larger ring, of at least `capacity` bytes, and moves what is between head and tail, and the
    /// `beyond` bytes after the tail. Positions stay. False, and nothing changes, if the arena has no such
    /// block, or `capacity` is not larger than now or exceeds kMaxCapacity.
    bool grow(Arena& arena, std::uint32_t capacity, std::uint32_t beyond = 0) noexcept;
    /// Returns the memory if no byte is between head and tail. The caller makes sure that no byte after the
    /// tail is wanted. True if the FIFO has no memory now.
    bool release_when_empty(Arena& arena) noexcept;
    /// Returns the memory; all bytes are dropped, and the head moves to the tail.
    void release(Arena& arena) noexcept;

  private:
    std::byte* bytes_ = nullptr;
    std::uint32_t capacity_ = 0;  // 0 or a power of two
    FifoPositions positions_;
};
static_assert(sizeof(ByteFifo) == 24);

}  // namespace l2echo::fifo
