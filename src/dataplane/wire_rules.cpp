#include "l2echo/dataplane/wire_rules.hpp"

namespace l2echo {
namespace {

constexpr bool is_vlan_tag(std::uint16_t type) noexcept {
    return type == wire_order(0x8100) || type == wire_order(0x88A8) || type == wire_order(0x9100);
}

/// Frames that talk to the neighbour itself. Returned, they would throttle it (PAUSE), or tell it lies about
/// its link partner (slow protocols, LLDP, EAPOL, CFM) or its clock (PTP).
constexpr bool is_control(std::uint16_t type) noexcept {
    switch (type) {
        case wire_order(0x8808):  // PAUSE and PFC, IEEE 802.3 annex 31
        case wire_order(0x8809):  // slow protocols (LACP, OAM), IEEE 802.3 annex 57A
        case wire_order(0x88CC):  // LLDP, IEEE 802.1AB
        case wire_order(0x888E):  // EAPOL, IEEE 802.1X
        case wire_order(0x8902):  // CFM, IEEE 802.1Q clause 18
        case wire_order(0x88F7):  // PTP, IEEE 1588
            return true;
        default:
            return false;
    }
}

/// 01:80:C2:00:00:xx with xx in 00-0F, 20-2F or 30-3F (IEEE 802.1Q, tables 8-1 to 8-3 and 10-1).
constexpr bool is_reserved(MacAddress destination) noexcept {
    constexpr MacAddress kPrefix = 0x00'00'C2'80'01;
    const auto block = static_cast<unsigned>(destination >> 44);
    return (destination & 0xFF'FFFF'FFFF) == kPrefix && (block == 0 || block == 2 || block == 3);
}

struct TypeBehindTags {
    std::uint16_t type;
    std::uint32_t tags;
};

/// Walks the VLAN tags as far as the first segment reaches; a tag that is cut off ends the walk.
TypeBehindTags find_type(const std::byte* data, std::uint32_t data_length) noexcept {
    TypeBehindTags found{load_ether_type(data), 0};
    std::uint32_t end = kEthernetHeaderLength;
    while (is_vlan_tag(found.type) && end + kVlanTagLength <= data_length) {
        end += kVlanTagLength;
        ++found.tags;
        std::memcpy(&found.type, data + end - sizeof found.type, sizeof found.type);
    }
    return found;
}

}  // namespace

Refusal classify_thoroughly(const rte_mbuf& frame, const WireRules& rules) noexcept {
    if (frame.data_len < kEthernetHeaderLength)
        return Refusal::Runt;
    const auto* data = rte_pktmbuf_mtod(&frame, const std::byte*);
    const TypeBehindTags inner = find_type(data, frame.data_len);
    if (frame.pkt_len > rules.max_untagged_length + kVlanTagLength * inner.tags)
        return Refusal::Oversize;
    const MacPair macs = load_mac_pair(data);
    if (is_reserved(macs.destination))
        return Refusal::Reserved;
    if (is_control(inner.type))
        return Refusal::Control;
    if (is_group(macs.source))
        return Refusal::GroupSource;
    if (macs.source == 0 || macs.source == macs.destination)
        return Refusal::BadSource;
    if (rules.own_macs.contains(macs.source))
        return Refusal::Loop;
    if (is_group(macs.destination))
        return Refusal::GroupDestination;
    return Refusal::None;
}

}  // namespace l2echo
