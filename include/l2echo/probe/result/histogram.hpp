// A log-linear histogram: values of any magnitude in bounded memory, percentiles within 1 %.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace l2echo::probe {

/// Percentiles in results.
struct Percentile {
    const char* key;
    const char* label;
    double percent;
};
inline constexpr std::array<Percentile, 6> kPercentiles{{{"p50", "p50", 50},
                                                         {"p90", "p90", 90},
                                                         {"p99", "p99", 99},
                                                         {"p99_9", "p99.9", 99.9},
                                                         {"p99_99", "p99.99", 99.99},
                                                         {"p99_999", "p99.999", 99.999}}};

/// Each power of two is divided into 128 steps of equal width, so the resolution is 1/128 (0.8 %); values
/// below 256 are exact. One writer; merge and read after it has stopped.
class Histogram {
  public:
    void add(std::uint64_t value) noexcept;
    void merge(const Histogram& other) noexcept;

    std::uint64_t count() const noexcept { return count_; }
    std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }  ///< exact
    std::uint64_t max() const noexcept { return max_; }                    ///< exact
    double mean() const noexcept;                                          ///< exact

    /// Returns the smallest recorded value that at least `percent` (0 to 100) of the values do not exceed,
    /// rounded up within its step but never above max(); 0 if empty.
    std::uint64_t percentile(double percent) const noexcept;

    /// Returns the number of values that are `value` at most; a value within the same step may be missing.
    std::uint64_t count_up_to(std::uint64_t value) const noexcept;

    /// Formats the whole distribution like HdrHistogram's percentile output, with values divided by `scale`.
    std::string percentile_text(double scale) const;

  private:
    static constexpr unsigned kStepBits = 7;
    static constexpr std::uint64_t kSteps = std::uint64_t{1} << kStepBits;
    static constexpr std::size_t kBuckets = (64 - kStepBits + 1) * kSteps;

    static std::size_t bucket_of(std::uint64_t value) noexcept;
    static std::uint64_t highest_in(std::size_t bucket) noexcept;

    std::uint64_t count_ = 0;
    std::uint64_t min_ = ~std::uint64_t{0};
    std::uint64_t max_ = 0;
    double sum_ = 0;
    std::array<std::uint64_t, kBuckets> buckets_{};
};

}  // namespace l2echo::probe
