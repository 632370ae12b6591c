// IPv6 addresses that a port has on every start, and that show nothing about the machine (RFC 7217).
#pragma once

#include <cstdint>
#include <string_view>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::net {

/// How often an address in conflict is replaced by that of the next counter (RFC 7217 7: IDGEN_RETRIES).
inline constexpr std::uint8_t kMaxAddressRetries = 3;

/// What an address depends on. The same values give the same address.
struct StableAddressSource {
    hash::SipKey secret{};       ///< random, kept between starts
    wire::IpAddress prefix{};    ///< the first 64 bits count
    std::string_view port_name;  ///< the first 64 characters count
    wire::MacAddress mac = 0;    ///< 0 for a port whose MAC address differs on each start
    std::uint8_t conflicts = 0;  ///< DAD_Counter: how many addresses of this port were in conflict
};

/// The prefix with the interface identifier of RFC 7217 5.
wire::IpAddress stable_address(const StableAddressSource& source);

/// fe80::/64, the prefix of link-local addresses.
wire::IpAddress link_local_prefix() noexcept;

/// True for interface identifiers that no host may have (RFC 5453 and its registry at IANA): zero, the block
/// of IANA's Ethernet addresses, and the subnet anycast addresses. `identifier` is in host byte order.
bool is_reserved_identifier(std::uint64_t identifier) noexcept;

}  // namespace l2echo::net
