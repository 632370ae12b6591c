// Sizes that a connection and the half-open entry before it must agree on.
#pragma once

#include <algorithm>
#include <cstdint>

#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

inline constexpr std::uint32_t kFirstBuffer = 65536;  // bytes; the windows of SYNs have 16 bits
inline constexpr std::uint32_t kIpv4Headers = 40;     // IP and TCP, without options
inline constexpr std::uint32_t kIpv6Headers = 60;
inline constexpr std::uint16_t kDefaultMssIpv4 = 536;  // RFC 9293 3.7.1
inline constexpr std::uint16_t kDefaultMssIpv6 = 1220;
inline constexpr std::uint8_t kMaxShift = 14;  // RFC 7323 2.3

constexpr std::uint32_t seconds_of(Micros now) noexcept {
    return static_cast<std::uint32_t>(now.count() / 1'000'000);
}

/// The shift with which 16 bits can say the largest window (RFC 7323 2.3).
constexpr std::uint8_t receive_scale(const Settings& settings) noexcept {
    std::uint8_t scale = 0;
    while (scale < kMaxShift && (settings.max_receive_buffer >> scale) > 0xFFFF)
        ++scale;
    return scale;
}

constexpr std::uint32_t first_receive_capacity(const Settings& settings) noexcept {
    return std::min(kFirstBuffer, settings.max_receive_buffer);
}

/// Bytes that the window admits before the application takes some. The rest of the FIFO absorbs what rounding
/// the window up to the scale adds.
constexpr std::uint32_t receive_limit(std::uint32_t capacity) noexcept {
    return capacity - capacity / 16;
}

/// The window of a SYN, which is not scaled.
constexpr std::uint16_t first_window(const Settings& settings) noexcept {
    return static_cast<std::uint16_t>(std::min(receive_limit(first_receive_capacity(settings)), 0xFFFFU));
}

/// The MSS option: what fits into the link without options (RFC 6691). `mtu` is at least 576.
constexpr std::uint16_t own_mss(const Settings& settings, std::uint16_t mtu, bool is_ipv6) noexcept {
    const std::uint32_t headers = is_ipv6 ? kIpv6Headers : kIpv4Headers;
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(mtu - headers, settings.max_mss));
}

}  // namespace l2echo::tcp
