#include "l2echo/echo/match_rules.hpp"

#include <algorithm>

#include "l2echo/wire/byte_order.hpp"

namespace l2echo::echo {
namespace {

bool port_fits(const PortRange& range, const std::byte* port, const wire::FrameHeaders& headers) noexcept {
    const std::uint16_t number = wire::load_be16(port);
    return headers.protocol == range.protocol && range.from <= number && number <= range.to;
}

}  // namespace

bool IpPrefix::fits(const std::byte* address, const wire::FrameHeaders& headers) const noexcept {
    if (headers.ip_version != version)
        return false;
    for (std::size_t i = 0; i < wire::ip_address_length(headers); ++i)
        if ((address[i] & mask[i]) != value[i])
            return false;
    return true;
}

bool MatchRule::fits(const std::byte* data, const wire::MacPair& macs,
                     const wire::FrameHeaders& headers) const noexcept {
    if (!fits_macs(macs))
        return false;
    if (vlan_id && *vlan_id != (headers.tags == 0 ? kNoVlan : headers.vlan_id))
        return false;
    if (ether_type && *ether_type != headers.type)
        return false;
    const std::byte* ip = data + wire::ip_source_offset(headers);
    if (ip_source && !ip_source->fits(ip, headers))
        return false;
    if (ip_destination && !ip_destination->fits(ip + wire::ip_address_length(headers), headers))
        return false;
    if ((source_port || destination_port) && headers.ports == 0)
        return false;
    const std::byte* ports = data + headers.ports;
    return !(source_port && !port_fits(*source_port, ports, headers)) &&
           !(destination_port && !port_fits(*destination_port, ports + 2, headers));
}

bool MatchRules::let_through(const std::byte* data, const wire::MacPair& macs,
                             const wire::FrameHeaders& headers) const noexcept {
    const auto rule = std::ranges::find_if(
        rules_, [&](const MatchRule& candidate) { return candidate.fits(data, macs, headers); });
    return rules_.empty() || (rule != rules_.end() && rule->echo);
}

bool MatchRules::may_let_through(const wire::MacPair& macs) const noexcept {
    const auto rule = std::ranges::find_if(rules_, [&](const MatchRule& candidate) {
        return candidate.fits_macs(macs) && (candidate.echo || candidate.names_macs_alone());
    });
    return rules_.empty() || (rule != rules_.end() && rule->echo);
}

}  // namespace l2echo::echo
