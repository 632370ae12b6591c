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

#include "l2echo/echo/answers.hpp"
#include "l2echo/echo/mac_filter.hpp"
#include "l2echo/echo/match_rules.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/swap.hpp"

namespace l2echo::echo {

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
    Disarmed,
    Expired,
    FacingReflector,
    GroupDestination,
    NotOwn,
    NotFromTester,
    Unmatched,
    NotSwappable,
    OverRate,
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
    {"disarmed", "the session is disarmed"},
    {"expired", "the session is over its --expire time"},
    {"facing-reflector", "a loop check came in: the far end reflects too"},
    {"group-destination", "broadcast or multicast destination, without --group own-source"},
    {"not-own", "destination is not the port's own MAC, with --accept own"},
    {"not-from-tester", "source is not the MAC of --only-from"},
    {"unmatched", "no --match rule lets it through"},
    {"not-swappable", "lacks what --swap exchanges, or its lengths do not hold"},
    {"over-rate", "more than --max-rate"},
}};

/// One port's rules; read-only while workers run.
struct WireRules {
    bool raw = false;                          ///< swap every frame of at least 14 bytes
    std::uint32_t max_untagged_length = 1514;  ///< MTU + 14, bytes without FCS
    MacFilter own_macs;                        ///< sources refused as `loop`; empty on net_tap
    wire::MacAddress own_mac = 0;              ///< the port's
    bool accept_own_only = false;
    bool group_own_source = false;   ///< frames to a group go back with own_mac as source
    wire::MacAddress only_from = 0;  ///< 0: from anyone
    wire::SwapLevel level = wire::SwapLevel::Mac;
    MatchRules match;
    AnswerRules answers;

    /// Whether is_ordinary() says all that there is to say about an ordinary frame.
    bool quick_test_suffices() const noexcept {
        return !accept_own_only && only_from == 0 && level == wire::SwapLevel::Mac && match.empty() &&
               !answers.any();
    }
};

/// Decides on any frame of at least 14 bytes, in order of precedence. `closed_by` says why the port does not
/// echo at all; None when it does. Loop checks and the rate are not its business.
Refusal classify_thoroughly(const rte_mbuf& frame, const wire::FrameHeaders& headers, const WireRules& rules,
                            Refusal closed_by) noexcept;

/// Exchanges what the rules say, in place. Only a frame that was not refused.
void swap_by_rules(std::byte* data, const wire::FrameHeaders& headers, const WireRules& rules) noexcept;

/// The quick test lets pass what every default rule lets pass: an untagged unicast IPv4 or IPv6 frame of
/// ordinary length from a source that cannot be one of ours. On a frame of at least 14 bytes whose addresses
/// were loaded already.
inline bool is_ordinary(const rte_mbuf& frame, const wire::MacPair& macs, const WireRules& rules) noexcept {
    const std::uint16_t ether_type = wire::load_ether_type(rte_pktmbuf_mtod(&frame, const std::byte*));
    return (ether_type == wire::kEtherTypeIpv4 || ether_type == wire::kEtherTypeIpv6) &&
           !wire::is_group(macs.destination) && !wire::is_group(macs.source) && macs.source != 0 &&
           macs.source != macs.destination && !rules.own_macs.may_contain(macs.source) &&
           frame.pkt_len <= rules.max_untagged_length;
}

}  // namespace l2echo::echo
