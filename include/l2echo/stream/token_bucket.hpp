// A rate limit for what is sent in answer to strangers.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace l2echo::stream {

/// Admits `per_second` events a second, and as many at once after a second without any. Used by one worker;
/// `now` never decreases.
class TokenBucket {
  public:
    explicit TokenBucket(std::uint32_t per_second) noexcept
        : per_second_(per_second), level_(kSecond * per_second) {}

    bool take(std::chrono::microseconds now) noexcept {
        const std::int64_t full = kSecond * per_second_;
        const std::int64_t elapsed = std::min<std::int64_t>((now - last_).count(), kSecond);
        level_ = std::min(full, level_ + elapsed * per_second_);
        last_ = now;
        if (level_ < kSecond)
            return false;
        level_ -= kSecond;
        return true;
    }

  private:
    static constexpr std::int64_t kSecond =
        1'000'000;  // an event, in tokens: per_second of them a microsecond

    std::int64_t per_second_;
    std::int64_t level_;
    std::chrono::microseconds last_{0};
};

}  // namespace l2echo::stream
