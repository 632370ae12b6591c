#include "l2echo/tcp/syn_cookies.hpp"

#include <array>

#include "l2echo/tcp/tuple_bytes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::uint8_t kForCookie = 4;
constexpr std::int64_t kPeriod = 60'000'000;  // microseconds

// From high to low in the sequence: 1 bit of the period, 3 bits of the MSS, 28 bits of the hash.
constexpr unsigned kPeriodShift = 31;
constexpr unsigned kMssShift = 28;
constexpr std::uint32_t kHashMask = (1U << kMssShift) - 1;

// The minimum, the default of IPv4 (RFC 9293 3.7.1), that of IPv6, then what tunnels, PPPoE and Ethernet
// leave, without and with jumbo frames. The header of IPv6 has 20 bytes more.
constexpr std::array<std::uint16_t, 8> kMss = {88, 536, 1220, 1360, 1400, 1440, 1460, 8940};

// In the low bits of the timestamp.
constexpr std::uint32_t kNoScale = 15;
constexpr std::uint32_t kScaleMask = 15;
constexpr std::uint32_t kSack = 16;
constexpr std::uint32_t kOptionMask = 31;
constexpr std::uint8_t kMaxScale = 14;  // RFC 7323 2.3

std::uint64_t period_of(Micros now) noexcept {
    return static_cast<std::uint64_t>(now.count() / kPeriod);
}

std::uint32_t option_bits(const CookieOptions& options) noexcept {
    return (options.window_scale ? *options.window_scale : kNoScale) | (options.sack ? kSack : 0);
}

}  // namespace

Sequence SynCookies::value(const Tuple& tuple, Sequence peer_isn, std::uint64_t period,
                           std::uint32_t mss_index, std::uint32_t option_bits) const noexcept {
    const auto message = keyed_message<4>(
        tuple, kForCookie, {peer_isn.value(), static_cast<std::uint32_t>(period), mss_index, option_bits});
    const auto hash = static_cast<std::uint32_t>(l2echo::hash::siphash(key_, message)) & kHashMask;
    return Sequence(static_cast<std::uint32_t>(period & 1) << kPeriodShift | mss_index << kMssShift | hash);
}

Cookie SynCookies::make(const Tuple& tuple, Sequence peer_isn, const CookieOptions& offer,
                        std::uint32_t timestamp, Micros now) const noexcept {
    std::uint32_t index = kMss.size() - 1;
    while (index > 0 && kMss[index] > offer.mss)
        --index;

    Cookie cookie;
    cookie.options.mss = kMss[index];
    std::uint32_t bits = 0;
    if (offer.timestamps) {
        cookie.options = {kMss[index], true, offer.window_scale, offer.sack};
        if (cookie.options.window_scale > kMaxScale)
            cookie.options.window_scale = kMaxScale;
        bits = option_bits(cookie.options);
        // The largest timestamp with these bits that is not in the future: those that follow must not be
        // smaller.
        cookie.timestamp = timestamp - ((timestamp - bits) & kOptionMask);
    }
    cookie.isn = value(tuple, peer_isn, period_of(now), index, bits);
    return cookie;
}

std::optional<CookieOptions> SynCookies::check(const Tuple& tuple, Sequence peer_isn, Sequence isn,
                                               std::optional<std::uint32_t> echo, Micros now) const noexcept {
    const std::uint64_t period = period_of(now);
    const std::uint64_t age = (period ^ (isn.value() >> kPeriodShift)) & 1;
    const std::uint32_t index = isn.value() >> kMssShift & (kMss.size() - 1);
    const std::uint32_t bits = echo ? *echo & kOptionMask : 0;
    if (value(tuple, peer_isn, period - age, index, bits) != isn)
        return std::nullopt;

    CookieOptions options;
    options.mss = kMss[index];
    if (echo) {
        options.timestamps = true;
        options.sack = (bits & kSack) != 0;
        if ((bits & kScaleMask) != kNoScale)
            options.window_scale = static_cast<std::uint8_t>(bits & kScaleMask);
    }
    return options;
}

}  // namespace l2echo::tcp
