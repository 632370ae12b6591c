// What is exchanged besides the MAC addresses: IP addresses, and the ports of UDP and TCP. The
// one's-complement sums of IPv4, UDP and TCP do not depend on the order of what they add up, so checksums
// stay as they are: right ones right, wrong ones wrong (RFC 1071).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::wire {

enum class SwapLevel : std::uint8_t { Mac, MacIp, MacIpPort };

/// As in options and reports; by level.
inline constexpr std::array<std::string_view, 3> kSwapLevelNames{"mac", "mac+ip", "mac+ip+port"};

/// Whether the frame has all that the level exchanges, in the first segment and with lengths that hold. A
/// fragment behind the first carries no ports, so that its addresses are all of it. Not: what is no IP; a
/// source-routed packet, whose checksum is over another destination; a group destination, which must not
/// become a source.
bool can_swap(const std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept;

/// Exchanges all of the level but the MACs, in place. Only after can_swap().
void swap_network(std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept;

}  // namespace l2echo::wire
