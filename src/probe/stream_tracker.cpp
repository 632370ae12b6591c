#include "l2echo/probe/stream_tracker.hpp"

#include <algorithm>

namespace l2echo {

StreamCounts& StreamCounts::operator+=(const StreamCounts& other) noexcept {
    unique += other.unique;
    duplicated += other.duplicated;
    reordered += other.reordered;
    largest_distance = std::max(largest_distance, other.largest_distance);
    late += other.late;
    return *this;
}

bool StreamTracker::add(std::uint64_t sequence) noexcept {
    if (sequence >= next_) {
        forget(next_, sequence);
        next_ = sequence + 1;
        test_and_set(sequence);
        ++counts_.unique;
        return true;
    }
    const std::uint64_t distance = next_ - 1 - sequence;
    if (distance >= kWindow) {
        ++counts_.late;
        return false;
    }
    if (test_and_set(sequence)) {
        ++counts_.duplicated;
        return false;
    }
    ++counts_.unique;
    ++counts_.reordered;
    counts_.largest_distance = std::max(counts_.largest_distance, distance);
    return true;
}

bool StreamTracker::test_and_set(std::uint64_t sequence) noexcept {
    std::uint64_t& word = seen_[sequence % kWindow / 64];
    const std::uint64_t bit = std::uint64_t{1} << sequence % 64;
    const bool was_set = (word & bit) != 0;
    word |= bit;
    return was_set;
}

void StreamTracker::forget(std::uint64_t first, std::uint64_t last) noexcept {
    if (last - first >= kWindow) {
        std::ranges::fill(seen_, 0);
        return;
    }
    for (std::uint64_t sequence = first; sequence <= last; ++sequence)
        seen_[sequence % kWindow / 64] &= ~(std::uint64_t{1} << sequence % 64);
}

}  // namespace l2echo
