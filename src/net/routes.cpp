#include "l2echo/net/routes.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "l2echo/process/error.hpp"
#include "l2echo/wire/byte_order.hpp"

namespace l2echo::net {
namespace {

std::string text_of(const wire::IpAddress& address) {
    const auto* bytes = address.bytes.data();
    if (address.version == 4)
        return fmt::format("{}.{}.{}.{}", std::to_integer<unsigned>(bytes[0]),
                           std::to_integer<unsigned>(bytes[1]), std::to_integer<unsigned>(bytes[2]),
                           std::to_integer<unsigned>(bytes[3]));
    std::string text;
    for (std::size_t i = 0; i < address.bytes.size(); i += 2)
        text += fmt::format("{}{:x}", i == 0 ? "" : ":", wire::load_be16(bytes + i));
    return text;
}

std::string text_of(const Prefix& prefix) {
    return fmt::format("{}/{}", text_of(prefix.address), prefix.length);
}

void check_length(const Prefix& prefix) {
    if (prefix.address.version != 4 && prefix.address.version != 6)
        throw process::StartupError("a prefix has no address");
    if (prefix.length > 8 * prefix.address.length())
        throw process::StartupError(
            fmt::format("{}: the prefix has at most {} bits", text_of(prefix), 8 * prefix.address.length()));
}

void check_gateway(const Routes& routes, const wire::IpAddress& gateway, std::uint8_t version) {
    if (gateway.version != version)
        throw process::StartupError(
            fmt::format("{}: the gateway must be an IPv{} address", text_of(gateway), version));
    if (!routes.is_acceptable_source(gateway))
        throw process::StartupError(
            fmt::format("{}: the gateway must be the unicast address of another host", text_of(gateway)));
    if (!routes.is_on_link(gateway))
        throw process::StartupError(fmt::format(
            "{}: the gateway must be in the prefix of one of our addresses, or in one on the link",
            text_of(gateway)));
}

}  // namespace

Routes::Routes(RouteSettings settings) : settings_(std::move(settings)) {
    for (const Prefix& prefix : settings_.on_link)
        check_length(prefix);
    for (const Prefix& own : settings_.addresses) {
        check_length(own);
        const bool special = wire::is_unspecified(own.address) || wire::is_multicast(own.address) ||
                             wire::is_loopback(own.address) || is_broadcast(own.address) ||
                             is_in_own_ipv4_prefix_at(own.address, false);
        if (special)
            throw process::StartupError(
                fmt::format("{}: not the address of a host; give a unicast address with its prefix length",
                            text_of(own)));
    }
    if (settings_.ipv4_gateway)
        check_gateway(*this, *settings_.ipv4_gateway, 4);
    if (settings_.ipv6_gateway)
        check_gateway(*this, *settings_.ipv6_gateway, 6);
}

}  // namespace l2echo::net
