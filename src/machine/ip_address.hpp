// An IPv4 or IPv6 address, without a DPDK or kernel structure around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace l2echo::machine {

/// An IPv4 address that a socket shows as ::ffff:a.b.c.d is the IPv4 address.
struct IpAddress {
    int family = 0;  ///< AF_INET or AF_INET6
    std::array<std::uint8_t, 16> bytes{};

    std::size_t size() const noexcept;
    bool is_link_local() const noexcept;  ///< of IPv6: on every interface
    std::string text() const;
    bool operator==(const IpAddress&) const = default;
};

/// From 4 or 16 bytes in network order; none for another size.
std::optional<IpAddress> to_ip_address(const void* bytes, std::size_t size);
/// "192.0.2.1", "fe80::1%eth0"
std::optional<IpAddress> parse_ip_address(const std::string& text);

}  // namespace l2echo::machine
