// Detects loss, duplication and reordering of one stream by its sequence numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace l2echo::probe {

/// Counts of the frames of a stream that came back.
struct StreamCounts {
    std::uint64_t unique = 0;            ///< sequence numbers seen at least once
    std::uint64_t duplicated = 0;        ///< additional copies of these
    std::uint64_t reordered = 0;         ///< arrived after a higher number (RFC 4737, Type-P-Reordered)
    std::uint64_t largest_distance = 0;  ///< largest reordering distance, in sequence numbers
    std::uint64_t late = 0;              ///< so late that it is unknown whether it is a copy

    StreamCounts& operator+=(const StreamCounts& other) noexcept;
};

/// The sequence numbers of a stream that came back, on any queue. Any number of threads may mark. Uses one
/// bit for each of the last kNumbers, in 16 KiB, regardless of the length of the run.
class SeenNumbers {
  public:
    static constexpr std::uint64_t kNumbers = 65'536;

    SeenNumbers() : words_(kNumbers / kNumbersPerWord) {}

    enum class Mark { First, Again, TooOld };
    /// Marks a number. Returns TooOld if it is at least kNumbers - 31 below another marked number. `sequence`
    /// has 48 bits.
    Mark mark(std::uint64_t sequence) noexcept;

  private:
    static constexpr std::uint64_t kNumbersPerWord = 32;

    /// Upper half: the word's current lap around the ring, sequence / kNumbers. Lower half: the numbers seen
    /// in that lap. With both in one word, nothing has to be cleared ahead of the numbers, so threads contend
    /// only if they mark neighbouring numbers.
    std::vector<std::atomic<std::uint64_t>> words_;
};

/// A stream as seen by one RX queue. The trackers of a stream share its SeenNumbers, so a number is counted
/// as unique once, on the queue that saw it first. Reordering is judged per queue, because frames of
/// different queues have no order. Used by one thread.
class StreamTracker {
  public:
    explicit StreamTracker(SeenNumbers& seen) : seen_(seen) {}

    /// Returns true if the number is seen for the first time; false if that is unknown.
    bool add(std::uint64_t sequence) noexcept;
    const StreamCounts& counts() const noexcept { return counts_; }

  private:
    SeenNumbers& seen_;
    std::uint64_t next_ = 0;  ///< one above the highest sequence number of this queue
    StreamCounts counts_;
};

}  // namespace l2echo::probe
