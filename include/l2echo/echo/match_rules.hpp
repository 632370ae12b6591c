// Match rules select the frames to echo. They are tried in order; the first rule that matches decides.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "l2echo/wire/frame_headers.hpp"

namespace l2echo::echo {

/// Fits an address whose masked bits equal the value.
struct MaskedMac {
    wire::MacAddress value = 0;
    wire::MacAddress mask = 0;

    bool fits(wire::MacAddress mac) const noexcept { return (mac & mask) == value; }
};

/// An IPv4 prefix uses the first 4 bytes.
struct IpPrefix {
    std::uint8_t version = 4;
    std::array<std::byte, 16> value{};
    std::array<std::byte, 16> mask{};

    bool fits(const std::byte* address, const wire::FrameHeaders& headers) const noexcept;
};

/// An inclusive range.
struct PortRange {
    std::uint8_t protocol = 0;
    std::uint16_t from = 0;
    std::uint16_t to = 0;
};

/// Fits a frame if all its conditions do.
struct MatchRule {
    bool echo = true;  ///< verdict: true echoes, false refuses
    MaskedMac source;
    MaskedMac destination;
    std::optional<std::uint16_t> vlan_id;     ///< VLAN ID of the outermost tag; kNoVlan: untagged
    std::optional<std::uint16_t> ether_type;  ///< EtherType after all tags, in memory order
    std::optional<IpPrefix> ip_source;
    std::optional<IpPrefix> ip_destination;
    std::optional<PortRange> source_port;
    std::optional<PortRange> destination_port;

    static constexpr std::uint16_t kNoVlan = 0xFFFF;

    bool fits(const std::byte* data, const wire::MacPair& macs,
              const wire::FrameHeaders& headers) const noexcept;
    bool fits_macs(const wire::MacPair& macs) const noexcept {
        return source.fits(macs.source) && destination.fits(macs.destination);
    }
    bool names_macs_alone() const noexcept {
        return !vlan_id && !ether_type && !ip_source && !ip_destination && !source_port && !destination_port;
    }
};

/// An empty list lets every frame through.
class MatchRules {
  public:
    void add(const MatchRule& rule) { rules_.push_back(rule); }
    bool empty() const noexcept { return rules_.empty(); }
    /// True if there are rules and all of them refuse, so that nothing is let through.
    bool refuse_everything() const noexcept {
        return !empty() &&
               std::none_of(rules_.begin(), rules_.end(), [](const MatchRule& rule) { return rule.echo; });
    }

    /// True if the first rule that matches says echo, or if there are no rules. A frame that matches none is
    /// not let through.
    bool let_through(const std::byte* data, const wire::MacPair& macs,
                     const wire::FrameHeaders& headers) const noexcept;
    /// True if the rules may let some frame between these MACs through.
    bool may_let_through(const wire::MacPair& macs) const noexcept;

  private:
    std::vector<MatchRule> rules_;
};

}  // namespace l2echo::echo
