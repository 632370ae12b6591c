// Finds loss, duplication and reordering of one stream from its sequence numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace l2echo::probe {

/// What came back of a stream.
struct StreamCounts {
    std::uint64_t unique = 0;            ///< sequence numbers seen at least once
    std::uint64_t duplicated = 0;        ///< further copies of them
    std::uint64_t reordered = 0;         ///< arrived behind a higher number (RFC 4737, Type-P-Reordered)
    std::uint64_t largest_distance = 0;  ///< how far behind, in sequence numbers
    std::uint64_t late = 0;              ///< so far behind that it cannot be told whether it came before

    StreamCounts& operator+=(const StreamCounts& other) noexcept;
};

/// Which sequence numbers of a stream came back, on whichever queue: any number of threads mark. A bit for
/// each of the last kNumbers in 16 KiB, however long the run is.
class SeenNumbers {
  public:
    static constexpr std::uint64_t kNumbers = 65'536;

    SeenNumbers() : words_(kNumbers / kNumbersPerWord) {}

    enum class Mark { First, Again, TooOld };
    /// TooOld: at least kNumbers - 31 below another number that was marked. `sequence` has 48 bits.
    Mark mark(std::uint64_t sequence) noexcept;

  private:
    static constexpr std::uint64_t kNumbersPerWord = 32;

    /// Upper half: the lap round the memory that the word is in, sequence / kNumbers. Lower half: what was
    /// seen in that lap. With both in one word nothing has to be cleared ahead of the numbers, so threads
    /// meet only where they mark neighbours.
    std::vector<std::atomic<std::uint64_t>> words_;
};

/// The stream as one RX queue sees it. The trackers of a stream share its SeenNumbers, so a number is counted
/// as unique once, on the queue that saw it first. Order is judged within a queue, because frames of
/// different queues have none. One thread.
class StreamTracker {
  public:
    explicit StreamTracker(SeenNumbers& seen) : seen_(seen) {}

    /// Returns whether the number is seen for the first time, as far as can be told.
    bool add(std::uint64_t sequence) noexcept;
    const StreamCounts& counts() const noexcept { return counts_; }

  private:
    SeenNumbers& seen_;
    std::uint64_t next_ = 0;  ///< one above the highest sequence number of this queue
    StreamCounts counts_;
};

}  // namespace l2echo::probe
