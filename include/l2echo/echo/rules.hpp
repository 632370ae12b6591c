// What goes back on the wire and what must not: the decision taken for each frame.
//
// Frame contents are input: no byte beyond the data_len of the first segment is ever read, and nothing here
// can fail. Called by workers only, per frame; no clock, lock, log or allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "l2echo/echo/answers.hpp"
#include "l2echo/echo/mac_filter.hpp"
#include "l2echo/echo/match_rules.hpp"
#include "l2echo/verdict/reason.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/swap.hpp"

namespace l2echo::echo {

/// What the user asks of every port.
struct RulesRequest {
    bool raw = false;  ///< swap every frame of at least 14 bytes
    bool accept_own_only = false;
    bool group_own_source = false;   ///< frames to a group go back with the port's own MAC as source
    wire::MacAddress only_from = 0;  ///< 0: from anyone
    wire::SwapLevel level = wire::SwapLevel::Mac;
    MatchRules match{};
    AnswerRules answers{};

    /// True if is_ordinary() alone decides: no enabled option adds a check.
    bool fast_path_decides() const noexcept {
        return !accept_own_only && only_from == 0 && level == wire::SwapLevel::Mac && match.empty() &&
               !answers.any();
    }
};

/// What the rules must know of a port.
struct RulesPort {
    wire::MacAddress own_mac = 0;
    std::uint16_t mtu = 1500;
    std::vector<wire::MacAddress> own_macs;  ///< of all our ports: sources refused as `loop`; may be empty
};

/// The rules of one port. Immutable while workers run.
struct WireRules : RulesRequest {
    WireRules(const RulesRequest& request, const RulesPort& port);

    wire::MacAddress own_mac;
    MacFilter own_macs;
    std::uint32_t max_untagged_length;  ///< MTU + 14, bytes without FCS
};

/// What an echo swaps: "mac", "mac+ip", "raw". Static storage.
const char* echoed_as(const WireRules& rules) noexcept;

/// The first reason to refuse a frame of at least 14 readable bytes, in order of precedence; None: echo it.
/// `closed_by` says why the port does not echo at all; None when it does. Loop checks and the rate are not
/// its business. A rule that can refuse an ordinary frame must be asked by is_ordinary() and are_ordinary()
/// (header_vector.hpp) too, or turn fast_path_decides() off.
verdict::Reason first_refusal(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                              const WireRules& rules, verdict::Reason closed_by) noexcept;

/// The same for the loop check of another port, which may be one of ours. It goes where some frame between
/// the same MACs would go: the rules about MACs decide alone, and that this port has stopped for a loop does
/// not matter.
verdict::Reason first_refusal_of_check(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                                       const WireRules& rules, verdict::Reason closed_by) noexcept;

/// None: some frame between these MACs is echoed.
verdict::Reason first_refusal_by_macs(const wire::MacPair& macs, const WireRules& rules) noexcept;

/// Exchanges what the rules say, in place. Only a frame that was not refused.
void swap_by_rules(std::byte* data, const wire::FrameHeaders& headers, const WireRules& rules) noexcept;

/// The fast path's test. Lets pass what every default rule lets pass: an untagged unicast IPv4 or IPv6 frame
/// of ordinary length from a source that cannot be one of ours. On a frame of at least 14 bytes whose
/// addresses were loaded already.
inline bool is_ordinary(const wire::FrameView& frame, const wire::MacPair& macs,
                        const WireRules& rules) noexcept {
    const std::uint16_t ether_type = wire::load_ether_type(frame.data);
    return (ether_type == wire::kEtherTypeIpv4 || ether_type == wire::kEtherTypeIpv6) &&
           !wire::is_group(macs.destination) && !wire::is_group(macs.source) && macs.source != 0 &&
           macs.source != macs.destination && !rules.own_macs.may_contain(macs.source) &&
           frame.frame_length <= rules.max_untagged_length;
}

}  // namespace l2echo::echo
