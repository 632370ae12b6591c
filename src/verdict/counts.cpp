#include "l2echo/verdict/counts.hpp"

namespace l2echo::verdict {

std::uint64_t FrameCounts::refused() const noexcept {
    std::uint64_t sum = 0;
    for (const ReasonRow& row : kReasonTable)
        sum += refused_[row.reason];
    return sum;
}

bool FrameCounts::balanced() const noexcept {
    return counts_[Count::Received] ==
           counts_[Count::Echoed] + counts_[Count::Answered] + refused() + counts_[Count::Dropped];
}

FrameCounts& FrameCounts::operator+=(const FrameCounts& other) noexcept {
    counts_ += other.counts_;
    refused_ += other.refused_;
    return *this;
}

}  // namespace l2echo::verdict
