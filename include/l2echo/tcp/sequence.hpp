// Sequence numbers, which wrap (RFC 9293 3.4).
#pragma once

#include <cstdint>

namespace l2echo::tcp {

/// A sequence number. Comparisons hold for numbers that are less than 2^31 apart, which window scaling
/// ensures (RFC 7323 2.3). They are no total order, so sequence numbers are no keys of sorted containers.
class Sequence {
  public:
    constexpr Sequence() noexcept = default;
    constexpr explicit Sequence(std::uint32_t value) noexcept : value_(value) {}

    constexpr std::uint32_t value() const noexcept { return value_; }

    constexpr Sequence& operator+=(std::uint32_t length) noexcept {
        value_ += length;
        return *this;
    }
    friend constexpr Sequence operator+(Sequence a, std::uint32_t length) noexcept {
        return Sequence(a.value_ + length);
    }
    friend constexpr Sequence operator-(Sequence a, std::uint32_t length) noexcept {
        return Sequence(a.value_ - length);
    }
    /// The distance from b to a: negative if a is before b.
    friend constexpr std::int32_t operator-(Sequence a, Sequence b) noexcept {
        return static_cast<std::int32_t>(a.value_ - b.value_);
    }

    friend constexpr bool operator==(Sequence, Sequence) noexcept = default;
    friend constexpr bool operator<(Sequence a, Sequence b) noexcept { return a - b < 0; }
    friend constexpr bool operator>(Sequence a, Sequence b) noexcept { return b < a; }
    friend constexpr bool operator<=(Sequence a, Sequence b) noexcept { return !(b < a); }
    friend constexpr bool operator>=(Sequence a, Sequence b) noexcept { return !(a < b); }

  private:
    std::uint32_t value_ = 0;
};

constexpr Sequence earlier(Sequence a, Sequence b) noexcept {
    return b < a ? b : a;
}
constexpr Sequence later(Sequence a, Sequence b) noexcept {
    return a < b ? b : a;
}

/// Bytes from `from` to `to`, which must not be before it.
constexpr std::uint32_t bytes_between(Sequence from, Sequence to) noexcept {
    return to.value() - from.value();
}

/// True if `at` is one of the `size` numbers from `left` on.
constexpr bool is_within(Sequence at, Sequence left, std::uint32_t size) noexcept {
    return at.value() - left.value() < size;
}

}  // namespace l2echo::tcp
