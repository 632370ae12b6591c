// Header offsets of a frame. Only the first segment is parsed, and only headers whose length fields are
// consistent.
#pragma once

#include <cstdint>

#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/frame_view.hpp"

namespace l2echo::wire {

/// IP protocol numbers (IANA).
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

/// Offsets count bytes from the start of the frame and point to readable bytes unless noted otherwise.
struct FrameHeaders {
    std::uint16_t type = 0;     ///< EtherType after all VLAN tags, in memory order
    std::uint16_t vlan_id = 0;  ///< VLAN ID of the outermost tag; valid only if tags > 0
    std::uint32_t tags = 0;     ///< number of complete VLAN tags
    std::uint32_t network = 0;  ///< offset of the Ethernet payload; may be the end of the frame

    std::uint8_t ip_version = 0;  ///< 4 or 6; 0: not IP, or its length fields are inconsistent
    std::uint8_t protocol = 0;    ///< protocol after the IPv6 extension headers that are understood
    std::uint16_t ports = 0;      ///< offset of the UDP or TCP ports; 0: this frame has none
    /// Offset of the transport header; at most one past the last byte.
    std::uint16_t transport = 0;
    std::uint32_t end = 0;        ///< one past the last byte of the IP packet; Ethernet padding follows
    bool fragment = false;        ///< any fragment
    bool later_fragment = false;  ///< not the first fragment, so it has no transport header
    bool source_routed = false;   ///< its checksums cover a destination that is not in the address field
};

/// Parses the headers. The frame must have at least 14 readable bytes.
FrameHeaders read_headers(const FrameView& frame) noexcept;

/// Length of one IP address, and offset of the source address; the destination address follows it.
constexpr std::uint32_t ip_address_length(const FrameHeaders& headers) noexcept {
    return headers.ip_version == 4 ? 4 : 16;
}
constexpr std::uint32_t ip_source_offset(const FrameHeaders& headers) noexcept {
    return headers.network + (headers.ip_version == 4 ? 12 : 8);
}

}  // namespace l2echo::wire
