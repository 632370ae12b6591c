// The wire rules: they decide for each frame whether it is echoed.
//
// Frame contents are untrusted input: no byte beyond the data_len of the first segment is ever read, and
// nothing here can fail. Called only by workers, per frame; uses no clock, lock, log or allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "l2echo/echo/answers.hpp"
#include "l2echo/echo/mac_filter.hpp"
#include "l2echo/echo/match_rules.hpp"
#include "l2echo/echo/rate_limit.hpp"
#include "l2echo/verdict/reason.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/swap.hpp"

namespace l2echo::echo {

/// Rules that the user sets for every port.
struct RulesRequest {
    bool raw = false;  ///< swap every frame of at least 14 bytes
    bool accept_own_only = false;
    bool group_own_source = false;   ///< echo frames to a group with the port's own MAC as source
    wire::MacAddress only_from = 0;  ///< 0: any source
    wire::SwapLevel level = wire::SwapLevel::Mac;
    MatchRules match{};
    AnswerRules answers{};

    /// True if is_ordinary() alone decides: no enabled option adds a check.
    bool fast_path_decides() const noexcept {
        return !accept_own_only && only_from == 0 && level == wire::SwapLevel::Mac && match.empty() &&
               !answers.any();
    }
};

/// Properties of a port that the rules need.
struct RulesPort {
    wire::MacAddress own_mac = 0;
    std::uint16_t mtu = 1500;
    /// MACs of all our ports, refused as sources (`loop`); may be empty.
    std::vector<wire::MacAddress> own_macs;
    RateLimit rate{};  ///< of each queue pair
};

/// The rules of one port. Immutable while workers run.
struct WireRules : RulesRequest {
    WireRules(const RulesRequest& request, const RulesPort& port);

    wire::MacAddress own_mac;
    MacFilter own_macs;
    std::uint32_t max_untagged_length;  ///< MTU + 14, bytes without FCS
    RateLimit rate;                     ///< of each queue pair, unused
    std::uint32_t generation = 0;       ///< how often the port's rules were replaced
};

/// Returns what an echo swaps, such as "mac", "mac+ip" or "raw". Static storage.
const char* echoed_as(const WireRules& rules) noexcept;

/// Returns the first reason to refuse a frame of at least 14 readable bytes, in order of precedence; None:
/// echo it. `closed_by` is the reason why the port does not echo at all; None if it echoes. Does not handle
/// loop checks or the rate. A rule that can refuse an ordinary frame must also be checked in is_ordinary()
/// and are_ordinary() (header_vector.hpp), or make fast_path_decides() return false.
verdict::Reason first_refusal(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                              const WireRules& rules, verdict::Reason closed_by) noexcept;

/// Same, for the loop check of another port, which may be one of ours. The check is echoed if some frame
/// between the same MACs would be: only the rules about MACs decide, and it does not matter that this port
/// has stopped because of a loop.
verdict::Reason first_refusal_of_check(const wire::FrameView& frame, const wire::FrameHeaders& headers,
                                       const WireRules& rules, verdict::Reason closed_by) noexcept;

/// Returns the first reason to refuse all frames between these MACs; None: some are echoed.
verdict::Reason first_refusal_by_macs(const wire::MacPair& macs, const WireRules& rules) noexcept;

/// Swaps the fields that the rules select, in place. Call only for a frame that was not refused.
void swap_by_rules(std::byte* data, const wire::FrameHeaders& headers, const WireRules& rules) noexcept;

/// Test of the fast path: true for a frame that every default rule lets through, that is, an untagged unicast
/// IPv4 or IPv6 frame within the MTU from a source that cannot be one of ours. The frame must have at least
/// 14 bytes; `macs` are its addresses, already loaded.
inline bool is_ordinary(const wire::FrameView& frame, const wire::MacPair& macs,
                        const WireRules& rules) noexcept {
    const std::uint16_t ether_type = wire::load_ether_type(frame.data);
    return (ether_type == wire::kEtherTypeIpv4 || ether_type == wire::kEtherTypeIpv6) &&
           !wire::is_group(macs.destination) && !wire::is_group(macs.source) && macs.source != 0 &&
           macs.source != macs.destination && !rules.own_macs.may_contain(macs.source) &&
           frame.frame_length <= rules.max_untagged_length;
}

}  // namespace l2echo::echo
