#include "l2echo/echo/rules.hpp"

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::echo {
namespace {

/// True for protocols that are addressed to the link partner itself. Echoed, they would throttle it (PAUSE)
/// or mislead it about its link partner (slow protocols, LLDP, EAPOL, CFM) or its clock (PTP).
constexpr bool is_control(std::uint16_t type) noexcept {
    switch (type) {
        case wire::wire_order(0x8808):  // PAUSE and PFC, IEEE 802.3 annex 31
        case wire::wire_order(0x8809):  // slow protocols (LACP, OAM), IEEE 802.3 annex 57A
        case wire::wire_order(0x88CC):  // LLDP, IEEE 802.1AB
        case wire::wire_order(0x888E):  // EAPOL, IEEE 802.1X
        case wire::wire_order(0x8902):  // CFM, IEEE 802.1Q clause 18
        case wire::wire_order(0x88F7):  // PTP, IEEE 1588
            return true;
        default:
            return false;
    }
}

/// True for 01:80:C2:00:00:xx with xx in 00-0F, 20-2F or 30-3F (IEEE 802.1Q, tables 8-1 to 8-3 and 10-1).
constexpr bool is_reserved(wire::MacAddress destination) noexcept {
    constexpr wire::MacAddress kPrefix = 0x00'00'C2'80'01;
    const auto block = static_cast<unsigned>(destination >> 44);
    return (destination & 0xFF'FFFF'FFFF) == kPrefix && (block == 0 || block == 2 || block == 3);
}

/// Checks for frames that must not be echoed regardless of options.
[[gnu::always_inline]] inline verdict::Reason refusal_of_form(const wire::FrameView& frame,
                                                              const wire::MacPair& macs,
                                                              const wire::FrameHeaders& headers,
                                                              const WireRules& rules) noexcept {
    using verdict::Reason;
    if (frame.frame_length > rules.max_untagged_length + wire::kVlanTagLength * headers.tags)
        return Reason::Oversize;
    if (is_reserved(macs.destination))
        return Reason::Reserved;
    if (is_control(headers.type))
        return Reason::Control;
    if (wire::is_group(macs.source))
        return Reason::GroupSource;
    if (macs.source == 0 || macs.source == macs.destination)
        return Reason::BadSource;
    return Reason::None;
}

/// Checks the options about MACs.
[[gnu::always_inline]] inline verdict::Reason refusal_by_option(const wire::MacPair& macs,
                                                                const WireRules& rules) noexcept {
    using verdict::Reason;
    if (rules.accept_own_only && macs.destination != rules.own_mac && !wire::is_group(macs.destination))
        return Reason::NotOwn;
    if (rules.only_from != 0 && macs.source != rules.only_from)
        return Reason::NotFromTester;
    return Reason::None;
}

}  // namespace

verdict::Reason first_refusal(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                              const WireRules& rules, verdict::Reason closed_by) noexcept {
    using verdict::Reason;
    const wire::MacPair macs = wire::load_mac_pair(frame.data);
    if (const Reason reason = refusal_of_form(frame, macs, headers, rules); reason != Reason::None)
        return reason;
    if (rules.own_macs.contains(macs.source))
        return Reason::Loop;
    if (closed_by != Reason::None)
        return closed_by;
    if (wire::is_group(macs.destination) && !rules.group_own_source)
        return Reason::GroupDestination;
    if (const Reason reason = refusal_by_option(macs, rules); reason != Reason::None)
        return reason;
    if (!rules.match.let_through(frame.data, macs, headers))
        return Reason::Unmatched;
    if (!wire::can_swap(frame.data, headers, rules.level))
        return Reason::NotSwappable;
    return Reason::None;
}

verdict::Reason first_refusal_of_check(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                                       const WireRules& rules, verdict::Reason closed_by) noexcept {
    using verdict::Reason;
    const wire::MacPair macs = wire::load_mac_pair(frame.data);
    if (const Reason reason = refusal_of_form(frame, macs, headers, rules); reason != Reason::None)
        return reason;
    if (closed_by != Reason::None && closed_by != Reason::FacingReflector)
        return closed_by;
    return first_refusal_by_macs(macs, rules);
}

verdict::Reason first_refusal_by_macs(const wire::MacPair& macs, const WireRules& rules) noexcept {
    using verdict::Reason;
    if (const Reason reason = refusal_by_option(macs, rules); reason != Reason::None)
        return reason;
    return rules.match.may_let_through(macs) ? Reason::None : Reason::Unmatched;
}

void swap_by_rules(std::byte* data, const wire::FrameHeaders& headers, const WireRules& rules) noexcept {
    wire::MacPair macs = wire::load_mac_pair(data);
    if (wire::is_group(macs.destination) && !rules.raw)
        macs.destination = rules.own_mac;  // a group address must not become a source
    store_swapped(data, macs);
    wire::swap_network(data, headers, rules.level);
}

const char* echoed_as(const WireRules& rules) noexcept {
    return rules.raw ? "raw" : wire::kSwapLevelNames[static_cast<std::size_t>(rules.level)].data();
}

}  // namespace l2echo::echo
