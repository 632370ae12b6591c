#include "l2echo/probe/run/stream_tracker.hpp"

#include <algorithm>

namespace l2echo::probe {

StreamCounts& StreamCounts::operator+=(const StreamCounts& other) noexcept {
    unique += other.unique;
    duplicated += other.duplicated;
    reordered += other.reordered;
    largest_distance = std::max(largest_distance, other.largest_distance);
    late += other.late;
    return *this;
}

SeenNumbers::Mark SeenNumbers::mark(std::uint64_t sequence) noexcept {
    constexpr std::uint64_t kSeenBits = 0xFFFF'FFFF;
    const std::uint64_t lap = sequence / kNumbers;
    const std::uint64_t bit = std::uint64_t{1} << sequence % kNumbersPerWord;
    std::atomic<std::uint64_t>& word = words_[sequence % kNumbers / kNumbersPerWord];
    std::uint64_t old = word.load(std::memory_order_relaxed);
    for (;;) {
        if (old >> 32 > lap)
            return Mark::TooOld;
        const std::uint64_t seen = old >> 32 == lap ? old & kSeenBits : 0;
        if ((seen & bit) != 0)
            return Mark::Again;
        if (word.compare_exchange_weak(old, lap << 32 | seen | bit, std::memory_order_relaxed))
            return Mark::First;
    }
}

bool StreamTracker::add(std::uint64_t sequence) noexcept {
    const SeenNumbers::Mark mark = seen_.mark(sequence);
    const bool in_order = sequence >= next_;
    if (in_order && mark != SeenNumbers::Mark::TooOld)
        next_ = sequence + 1;
    switch (mark) {
        case SeenNumbers::Mark::TooOld:
            ++counts_.late;
            return false;
        case SeenNumbers::Mark::Again:
            ++counts_.duplicated;
            return false;
        case SeenNumbers::Mark::First:
            break;
    }
    ++counts_.unique;
    if (!in_order) {
        ++counts_.reordered;
        counts_.largest_distance = std::max(counts_.largest_distance, next_ - 1 - sequence);
    }
    return true;
}

}  // namespace l2echo::probe
