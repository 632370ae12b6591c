#include "l2echo/probe/result/histogram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace l2echo::probe {

std::uint64_t Histogram::highest_in(std::size_t bucket) noexcept {
    if (bucket < 2 * kSteps)
        return bucket;
    const std::uint64_t shift = bucket / kSteps - 1;
    const std::uint64_t top = bucket - shift * kSteps;
    return ((top + 1) << shift) - 1;
}

void Histogram::merge(const Histogram& other) noexcept {
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket)
        buckets_[bucket] += other.buckets_[bucket];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

double Histogram::mean() const noexcept {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t Histogram::percentile(double percent) const noexcept {
    if (count_ == 0)
        return 0;
    const double wanted = std::ceil(percent / 100.0 * static_cast<double>(count_));
    const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
        seen += buckets_[bucket];
        if (seen >= rank)
            return std::clamp(highest_in(bucket), min_, max_);
    }
    return max_;
}

std::uint64_t Histogram::count_up_to(std::uint64_t value) const noexcept {
    if (value >= max_)
        return count_;
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets && highest_in(bucket) <= value; ++bucket)
        seen += buckets_[bucket];
    return seen;
}

std::string Histogram::percentile_text(double scale) const {
    std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
    auto out = std::back_inserter(text);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < kBuckets && seen < count_; ++bucket) {
        if (buckets_[bucket] == 0)
            continue;
        seen += buckets_[bucket];
        const double share = static_cast<double>(seen) / static_cast<double>(count_);
        const double value = static_cast<double>(std::clamp(highest_in(bucket), min_, max_)) / scale;
        if (seen < count_)
            fmt::format_to(out, "{:12.3f} {:2.12f} {:10d} {:14.2f}\n", value, share, seen,
                           1.0 / (1.0 - share));
        else
            fmt::format_to(out, "{:12.3f} {:2.12f} {:10d}\n", value, share, seen);
    }
    fmt::format_to(out, "#[Mean    = {:12.3f}, StdDeviation   = {:>12}]\n", mean() / scale, "n/a");
    fmt::format_to(out, "#[Max     = {:12.3f}, Total count    = {:12d}]\n", static_cast<double>(max_) / scale,
                   count_);
    return text;
}

}  // namespace l2echo::probe
