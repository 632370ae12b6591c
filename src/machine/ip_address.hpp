// An IPv4 or IPv6 address, independent of DPDK and kernel structures.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace l2echo::machine {

/// IPv4-mapped addresses (::ffff:a.b.c.d), as sockets report them, are stored as IPv4.
struct IpAddress {
    int family = 0;  ///< AF_INET or AF_INET6
    std::array<std::uint8_t, 16> bytes{};

    std::size_t size() const noexcept;
    bool is_link_local() const noexcept;  ///< IPv6 only: every interface has such an address
    std::string text() const;
    bool operator==(const IpAddress&) const = default;
};

/// Converts 4 or 16 bytes in network order; empty for any other size.
std::optional<IpAddress> to_ip_address(const void* bytes, std::size_t size);
/// Parses text such as "192.0.2.1" or "fe80::1%eth0".
std::optional<IpAddress> parse_ip_address(const std::string& text);

}  // namespace l2echo::machine
