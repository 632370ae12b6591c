#include "l2echo/probe/result/histogram.hpp"

#include <algorithm>
#include <bit>

namespace l2echo::probe {

std::size_t Histogram::bucket_of(std::uint64_t value) noexcept {
    // Below 2 * kSteps, each value has its own bucket; above, the top kStepBits + 1 bits select it.
    const auto width = static_cast<unsigned>(std::bit_width(value));
    const unsigned shift = width > kStepBits + 1 ? width - kStepBits - 1 : 0;
    return shift * kSteps + (value >> shift);
}

void Histogram::add(std::uint64_t value) noexcept {
    ++buckets_[bucket_of(value)];
    ++count_;
    min_ = std::min(min_, value);
    max_ = std::max(max_, value);
    sum_ += static_cast<double>(value);
}

}  // namespace l2echo::probe
