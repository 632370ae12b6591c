// What goes back on the wire and what must not: the decision taken for each frame.
//
// Frame contents are input: no byte beyond the data_len of the first segment is ever read, and nothing here
// can fail. Called by workers only, per frame; no clock, lock, log or allocation.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "l2echo/dataplane/mac_pair.hpp"

namespace l2echo {

/// Why a frame is not sent back. The order is the order of precedence: a frame that several rules refuse is
/// counted under the first. Counters, report, JSON keys and documentation all come from this list.
enum class Refusal : std::uint8_t {
    Runt,
    Oversize,
    Reserved,
    Control,
    GroupSource,
    BadSource,
    Loop,
    GroupDestination,
    None,  ///< not refused: echo it
};

inline constexpr std::size_t kRefusalReasons = static_cast<std::size_t>(Refusal::None);

struct RefusalReason {
    std::string_view name;
    std::string_view meaning;
};

inline constexpr std::array<RefusalReason, kRefusalReasons> kRefusalTable{{
    {"runt", "shorter than an Ethernet header (14 bytes)"},
    {"oversize", "longer than MTU + 14 + 4 per VLAN tag"},
    {"reserved", "destination 01:80:C2:00:00:00-0F, :20-:2F or :30-:3F, which bridges do not forward"},
    {"control", "PAUSE, slow protocols, LLDP, EAPOL, CFM or PTP, also behind VLAN tags"},
    {"group-source", "source is a group address"},
    {"bad-source", "source is all zero or equals the destination"},
    {"loop", "source is the MAC of one of our own ports"},
    {"group-destination", "broadcast or multicast destination"},
}};

/// One port's rules; read-only while workers run.
struct WireRules {
    bool raw = false;                          ///< swap every frame of at least 14 bytes
    std::uint32_t max_untagged_length = 1514;  ///< MTU + 14, bytes without FCS
    MacFilter own_macs;                        ///< sources refused as `loop`; empty on net_tap
};

/// For the frames that the quick test of classify() does not let through; decides alone, in order of
/// precedence.
Refusal classify_thoroughly(const rte_mbuf& frame, const WireRules& rules) noexcept;

/// Decides on one frame of at least 14 bytes whose addresses were loaded already.
///
/// The quick test lets pass what every rule lets pass: an untagged unicast IPv4 or IPv6 frame of ordinary
/// length from a source that cannot be one of ours. Everything else takes the thorough way, the only place
/// that refuses.
inline Refusal classify(const rte_mbuf& frame, const MacPair& macs, const WireRules& rules) noexcept {
    const std::uint16_t ether_type = load_ether_type(rte_pktmbuf_mtod(&frame, const std::byte*));
    const bool ordinary = (ether_type == kEtherTypeIpv4 || ether_type == kEtherTypeIpv6) &&
                          !is_group(macs.destination) && !is_group(macs.source) && macs.source != 0 &&
                          macs.source != macs.destination && !rules.own_macs.may_contain(macs.source) &&
                          frame.pkt_len <= rules.max_untagged_length;
    return ordinary ? Refusal::None : classify_thoroughly(frame, rules);
}

}  // namespace l2echo
