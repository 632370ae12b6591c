#include "l2echo/engine/counter_set.hpp"

#include <atomic>

namespace l2echo::engine {

namespace {

/// Reading takes a fraction of a microsecond, a burst of 32 frames about one, so a few tries suffice unless
/// bursts are short, and then the frames of several are fewer than those of a long one.
constexpr int kTries = 16;

}  // namespace

verdict::FrameCounts CounterSet::read() const noexcept {
    verdict::FrameCounts best;
    std::uint64_t fewest = ~std::uint64_t{0};
    for (int tried = 0; tried < kTries && fewest > 0; ++tried) {
        const std::uint64_t before = read(verdict::Count::Received);
        std::atomic_thread_fence(std::memory_order_acquire);
        const verdict::FrameCounts counts = read_once();
        std::atomic_thread_fence(std::memory_order_acquire);
        const std::uint64_t meanwhile = read(verdict::Count::Received) - before;
        if (meanwhile < fewest) {
            fewest = meanwhile;
            best = counts;
        }
    }
    return best;
}

verdict::FrameCounts CounterSet::read_once() const noexcept {
    verdict::FrameCounts counts;
    for (const verdict::CountRow& row : verdict::kCountTable)
        counts[row.count] = read(row.count);
    for (const verdict::ReasonRow& row : verdict::kReasonTable)
        counts[row.reason] = read(row.reason);
    return counts;
}

}  // namespace l2echo::engine
