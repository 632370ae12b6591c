// Swaps fields beyond the MAC addresses: IP addresses, and UDP and TCP ports. The one's-complement sums of
// IPv4, UDP and TCP do not depend on the order of their summands, so checksums need no update: a correct one
// stays correct, a wrong one stays wrong (RFC 1071).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::wire {

enum class SwapLevel : std::uint8_t { Mac, MacIp, MacIpPort };

/// Names as in options and reports, indexed by SwapLevel.
inline constexpr std::array<std::string_view, 3> kSwapLevelNames{"mac", "mac+ip", "mac+ip+port"};

/// True if the frame has every field that the level swaps, in the first segment and with consistent length
/// fields. A later fragment has no ports, so its addresses suffice. False, above level Mac, for frames that
/// are not IP, for source-routed packets, whose checksum covers another destination, and for group
/// destinations, which must not become a source.
bool can_swap(const std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept;

/// Swaps the fields of the level in place, except the MACs. Call only if can_swap() returned true.
void swap_network(std::byte* data, const FrameHeaders& headers, SwapLevel level) noexcept;

}  // namespace l2echo::wire
