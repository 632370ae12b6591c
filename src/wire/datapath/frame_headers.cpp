#include "l2echo/wire/frame_headers.hpp"

#include <algorithm>

#include "l2echo/wire/byte_order.hpp"
#include "wire/datapath/ip_extensions.hpp"

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
    headers.source_routed = walk_ipv4_options(ip + kMinLength, ip + header) == Ipv4Options::SourceRouted;
    headers.transport = static_cast<std::uint16_t>(headers.network + header);
    headers.end = headers.network + total;
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
    const Ipv6Extensions extensions = walk_ipv6_extensions(
        data, headers.network + kHeader, std::min(length, end), std::to_integer<std::uint8_t>(ip[6]));
    headers.protocol = extensions.protocol;
    headers.fragment = extensions.fragment;
    headers.later_fragment = extensions.later_fragment;
    headers.source_routed = extensions.source_routed;
    headers.transport = static_cast<std::uint16_t>(extensions.end);
    headers.end = end;
    headers.ip_version = extensions.complete ? 6 : 0;
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
