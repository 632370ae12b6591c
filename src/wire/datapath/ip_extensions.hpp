// What follows the fixed part of an IP header: options of IPv4, extension headers of IPv6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {

enum class Ipv4Options : std::uint8_t { WellFormed, Malformed, SourceRouted };

/// Walks the options up to the first loose or strict source route, after which the final destination is in
/// the option (RFC 791, 3.1).
inline Ipv4Options walk_ipv4_options(const std::byte* option, const std::byte* end) noexcept {
    while (option < end) {
        const auto kind = std::to_integer<unsigned>(*option);
        if (kind == 0)
            break;
        if (kind == 1) {
            ++option;
            continue;
        }
        if (kind == 131 || kind == 137)
            return Ipv4Options::SourceRouted;
        if (end - option < 2 || std::to_integer<int>(option[1]) < 2 ||
            std::to_integer<int>(option[1]) > end - option)
            return Ipv4Options::Malformed;
        option += std::to_integer<int>(option[1]);
    }
    return Ipv4Options::WellFormed;
}

struct Ipv6Extensions {
    std::uint32_t end;      // offset of the first other header, or of the one that is truncated
    std::uint8_t protocol;  // of the header at `end`
    bool fragment = false;
    bool later_fragment = false;
    bool source_routed = false;
    bool complete = false;  // none is truncated
};

/// Walks the extension headers that are understood (RFC 8200, 4), from the offset `at` of the first. Stops at
/// the first other header, or after the fragment header of a later fragment, which has no further headers.
/// `protocol` is the next header of the fixed part; bytes are readable up to `reach`.
inline Ipv6Extensions walk_ipv6_extensions(const std::byte* data, std::uint32_t at, std::uint32_t reach,
                                           std::uint8_t protocol) noexcept {
    constexpr std::uint8_t kHopByHop = 0;
    constexpr std::uint8_t kRouting = 43;
    constexpr std::uint8_t kFragment = 44;
    constexpr std::uint8_t kDestinationOptions = 60;
    constexpr std::uint32_t kUnit = 8;
    Ipv6Extensions found{.end = at, .protocol = protocol};
    while (!found.later_fragment && (found.protocol == kHopByHop || found.protocol == kRouting ||
                                     found.protocol == kFragment || found.protocol == kDestinationOptions)) {
        const std::byte* extension = data + found.end;
        if (found.end + kUnit > reach)
            return found;
        std::uint32_t bytes = kUnit;
        if (found.protocol == kFragment) {
            found.fragment = true;
            found.later_fragment = load_be16(extension + 2) >> 3 != 0;
        } else {
            bytes += kUnit * std::to_integer<unsigned>(extension[1]);
        }
        if (found.end + bytes > reach)
            return found;
        if (found.protocol == kRouting && std::to_integer<unsigned>(extension[3]) != 0)
            found.source_routed = true;
        found.protocol = std::to_integer<std::uint8_t>(extension[0]);
        found.end += bytes;
    }
    found.complete = true;
    return found;
}

}  // namespace l2echo::wire
