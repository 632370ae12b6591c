// Finds loss, duplication and reordering of one stream from its sequence numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace l2echo {

/// What came back of a stream.
struct StreamCounts {
    std::uint64_t unique = 0;            ///< sequence numbers seen at least once
    std::uint64_t duplicated = 0;        ///< further copies of them
    std::uint64_t reordered = 0;         ///< arrived behind a higher number (RFC 4737, Type-P-Reordered)
    std::uint64_t largest_distance = 0;  ///< how far behind, in sequence numbers
    std::uint64_t late = 0;              ///< so far behind that it cannot be told whether it came before

    StreamCounts& operator+=(const StreamCounts& other) noexcept;
};

/// Remembers the last kWindow sequence numbers, 8 KiB a stream, however long the run is. A frame that is
/// further behind counts as late: neither as returned nor as duplicated.
class StreamTracker {
  public:
    static constexpr std::uint64_t kWindow = 65'536;

    StreamTracker() : seen_(kWindow / 64) {}

    /// Returns whether the number is seen for the first time, as far as the window tells.
    bool add(std::uint64_t sequence) noexcept;
    const StreamCounts& counts() const noexcept { return counts_; }

  private:
    bool test_and_set(std::uint64_t sequence) noexcept;
    void forget(std::uint64_t first, std::uint64_t last) noexcept;

    std::uint64_t next_ = 0;  ///< one above the highest sequence number seen
    std::vector<std::uint64_t> seen_;
    StreamCounts counts_;
};

}  // namespace l2echo
