#include "l2echo/wire/frame_headers.hpp"

#include <algorithm>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::wire {
namespace {

constexpr bool is_vlan_tag(std::uint16_t type) noexcept {
    return type == wire_order(0x8100) || type == wire_order(0x88A8) || type == wire_order(0x9100);
}

/// Walks the VLAN tags in the first segment; a truncated tag ends the walk.
void read_tags(const std::byte* data, std::uint32_t length, FrameHeaders& headers) noexcept {
    headers.type = load_ether_type(data);
    headers.network = kEthernetHeaderLength;
    while (is_vlan_tag(headers.type) && headers.network + kVlanTagLength <= length) {
        if (headers.tags == 0)
            headers.vlan_id = load_be16(data + headers.network) & 0x0FFF;
        headers.network += kVlanTagLength;
        ++headers.tags;
        std::memcpy(&headers.type, data + headers.network - sizeof headers.type, sizeof headers.type);
    }
}

/// True if the options contain a loose or strict source route (RFC 791, 3.1): the final destination is in the
/// option.
bool has_source_route(const std::byte* option, const std::byte* end) noexcept {
    while (option < end) {
        const auto kind = std::to_integer<unsigned>(*option);
        if (kind == 0)
            return false;
        if (kind == 1) {
            ++option;
            continue;
        }
        if (kind == 131 || kind == 137)
            return true;
        if (end - option < 2 || std::to_integer<int>(option[1]) < 2)
            return false;
        option += std::min<std::ptrdiff_t>(std::to_integer<int>(option[1]), end - option);
    }
    return false;
}

/// RFC 791. Accepts the packet only if the version is 4, the header fits in the segment and the packet in the
/// frame.
void read_ipv4(const std::byte* data, std::uint32_t length, std::uint32_t frame_length,
               FrameHeaders& headers) noexcept {
    constexpr std::uint32_t kMinLength = 20;
    const std::byte* ip = data + headers.network;
    if (length < headers.network + kMinLength || std::to_integer<unsigned>(*ip) >> 4 != 4)
        return;
    const std::uint32_t header = 4 * (std::to_integer<unsigned>(*ip) & 0xF);
    const std::uint32_t total = load_be16(ip + 2);
    if (header < kMinLength || length < headers.network + header || total < header ||
        frame_length < headers.network + total)
        return;
    const std::uint16_t fragment = load_be16(ip + 6);
    headers.ip_version = 4;
    headers.protocol = std::to_integer<std::uint8_t>(ip[9]);
    headers.fragment = (fragment & 0x3FFF) != 0;
    headers.later_fragment = (fragment & 0x1FFF) != 0;
    headers.source_routed = has_source_route(ip + kMinLength, ip + header);
    headers.transport = static_cast<std::uint16_t>(headers.network + header);
    headers.end = headers.network + total;
}

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kDestinationOptions = 60;

constexpr bool is_understood(std::uint8_t extension) noexcept {
    return extension == kHopByHop || extension == kRouting || extension == kFragment ||
           extension == kDestinationOptions;
}

/// Walks the extension headers that are understood (RFC 8200, 4). Stops at the first other header, or after
/// the fragment header of a later fragment, which has no further headers. Returns false if one of them is
/// truncated.
bool read_extensions(const std::byte* data, std::uint32_t reach, FrameHeaders& headers) noexcept {
    constexpr std::uint32_t kUnit = 8;
    std::uint32_t at = headers.transport;
    while (is_understood(headers.protocol) && !headers.later_fragment) {
        const std::byte* extension = data + at;
        if (at + kUnit > reach)
            return false;
        std::uint32_t bytes = kUnit;
        if (headers.protocol == kFragment) {
            headers.fragment = true;
            headers.later_fragment = load_be16(extension + 2) >> 3 != 0;
        } else {
            bytes += kUnit * std::to_integer<unsigned>(extension[1]);
        }
        if (at + bytes > reach)
            return false;
        if (headers.protocol == kRouting && std::to_integer<unsigned>(extension[3]) != 0)
            headers.source_routed = true;
        headers.protocol = std::to_integer<std::uint8_t>(extension[0]);
        at += bytes;
    }
    headers.transport = static_cast<std::uint16_t>(at);
    return true;
}

/// RFC 8200.
void read_ipv6(const std::byte* data, std::uint32_t length, std::uint32_t frame_length,
               FrameHeaders& headers) noexcept {
    constexpr std::uint32_t kHeader = 40;
    const std::byte* ip = data + headers.network;
    if (length < headers.network + kHeader || std::to_integer<unsigned>(*ip) >> 4 != 6)
        return;
    const std::uint32_t end = headers.network + kHeader + load_be16(ip + 4);
    if (frame_length < end)
        return;
    headers.protocol = std::to_integer<std::uint8_t>(ip[6]);
    headers.transport = static_cast<std::uint16_t>(headers.network + kHeader);
    headers.end = end;
    if (read_extensions(data, std::min(length, end), headers))
        headers.ip_version = 6;
}

}  // namespace

FrameHeaders read_headers(const FrameView& frame) noexcept {
    FrameHeaders headers;
    read_tags(frame.data, frame.length, headers);
    if (headers.type == kEtherTypeIpv4)
        read_ipv4(frame.data, frame.length, frame.frame_length, headers);
    else if (headers.type == kEtherTypeIpv6)
        read_ipv6(frame.data, frame.length, frame.frame_length, headers);
    constexpr std::uint32_t kBothPorts = 4;
    const bool has_ports = headers.protocol == kProtocolUdp || headers.protocol == kProtocolTcp;
    if (headers.ip_version != 0 && has_ports && !headers.later_fragment &&
        headers.transport + kBothPorts <= std::min(frame.length, headers.end))
        headers.ports = headers.transport;
    return headers;
}

}  // namespace l2echo::wire
