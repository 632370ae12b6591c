// Which bytes after the tail of a receive FIFO have arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/fifo/arena.hpp"

namespace l2echo::fifo {

/// Positions from `begin` up to, and without, `end`; both wrap.
struct Interval {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;

    bool empty() const noexcept { return begin == end; }
    std::uint32_t size() const noexcept { return end - begin; }
    friend bool operator==(const Interval&, const Interval&) noexcept = default;
};

/// Disjoint intervals in stream order that do not touch, at most kMaxIntervals, in a block from an arena that
/// is taken for the first and returned with the last. Positions are those of the stream (sequence numbers),
/// less than 2^31 apart.
///
/// What was added is never dropped for something else: the peer knows it from a SACK block, and takes
/// a loss of it for reneging (RFC 2018 8). So when there are too many, the new piece is refused.
class OutOfOrderIntervals {
  public:
    static constexpr std::size_t kMaxIntervals = 32;

    OutOfOrderIntervals() noexcept = default;
    /// The memory must have been released.
    ~OutOfOrderIntervals();
    OutOfOrderIntervals(const OutOfOrderIntervals&) = delete;
    OutOfOrderIntervals& operator=(const OutOfOrderIntervals&) = delete;

    bool empty() const noexcept { return count_ == 0; }
    std::size_t count() const noexcept { return count_; }
    /// In stream order.
    Interval at(std::size_t index) const noexcept;
    /// End of the last interval: the highest position that arrived. Not when empty.
    std::uint32_t end() const noexcept;

    /// Adds an interval, which becomes the most recent, and merges it with those that it overlaps or touches.
    /// False, and nothing changes, if it touches none and there are kMaxIntervals, or the arena is empty:
    /// then its bytes must not be acknowledged. Ask first_hole() before: only holes may be written.
    bool add(Arena& arena, Interval interval) noexcept;
    std::uint32_t refused() const noexcept { return refused_; }  ///< intervals that add() refused

    /// The first part of `within` that has not arrived; empty if all has. Bytes are written there only, so
    /// that a segment whose checksum turns out to be wrong does not change good bytes. To find the next hole,
    /// ask again from its end on.
    Interval first_hole(Interval within) const noexcept;
    /// The first part of `within` that has arrived; empty if nothing has. For DSACK (RFC 2883).
    Interval first_held(Interval within) const noexcept;

    /// The stream is in order up to `tail`. Removes what is before it, and what touches it, and returns the
    /// position up to which the stream is in order now.
    std::uint32_t advance(Arena& arena, std::uint32_t tail) noexcept;

    /// Writes up to to.size() intervals, the most recently changed first (RFC 2018 4), and returns how many.
    std::size_t recent(std::span<Interval> to) const noexcept;

    /// Forgets all intervals and returns the memory.
    void release(Arena& arena) noexcept;

  private:
    struct Entry {
        Interval interval;
        std::uint32_t changed;  // count of add() calls
    };

    /// Index of the first interval that ends at or after `position`.
    std::uint32_t first_not_before(std::uint32_t position) const noexcept;
    /// Places one entry where those of the indices from `first` up to `last` were.
    void replace(std::uint32_t first, std::uint32_t last, Entry entry) noexcept;
    void remove(Arena& arena, std::uint32_t count) noexcept;

    Entry* entries_ = nullptr;
    std::uint32_t count_ = 0;
    std::uint32_t changes_ = 0;
    std::uint32_t refused_ = 0;
};

}  // namespace l2echo::fifo
