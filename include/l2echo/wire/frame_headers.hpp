// Where the headers of a frame are, as far as its first segment reaches and its own lengths hold.
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

/// Offsets are bytes from the start of the frame; every byte they lead to is readable.
struct FrameHeaders {
    std::uint16_t type = 0;     ///< EtherType behind all VLAN tags, in memory order
    std::uint16_t vlan_id = 0;  ///< of the outermost tag; only with tags > 0
    std::uint32_t tags = 0;     ///< whole VLAN tags
    std::uint32_t network = 0;  ///< where the payload of Ethernet begins; may be the frame's end

    std::uint8_t ip_version = 0;  ///< 4 or 6; 0: not IP, or its lengths do not hold
    std::uint8_t protocol = 0;    ///< behind the IPv6 extension headers that are understood
    std::uint16_t ports = 0;      ///< where UDP's or TCP's ports are; 0: this frame has none
    /// Where the protocol's header begins, one byte behind the last one at most.
    std::uint16_t transport = 0;
    std::uint32_t end = 0;        ///< one behind the IP packet's last byte; Ethernet padding follows
    bool fragment = false;        ///< any fragment
    bool later_fragment = false;  ///< not the first one, so without transport header
    bool source_routed = false;   ///< its checksums are over a destination that is not in the address field
};

/// The frame has at least 14 readable bytes.
FrameHeaders read_headers(const FrameView& frame) noexcept;

/// Bytes of one address, and where the source address is; the destination follows it.
constexpr std::uint32_t ip_address_length(const FrameHeaders& headers) noexcept {
    return headers.ip_version == 4 ? 4 : 16;
}
constexpr std::uint32_t ip_source_offset(const FrameHeaders& headers) noexcept {
    return headers.network + (headers.ip_version == 4 ? 12 : 8);
}

}  // namespace l2echo::wire
