// The IP header of what the stack sends.
#pragma once

#include <cstddef>
#include <cstdint>

#include "l2echo/wire/ethernet.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::stack {

/// The fields that both versions have. The addresses are of one version.
struct IpFields {
    const wire::IpAddress& source;
    const wire::IpAddress& destination;
    std::uint32_t payload_length = 0;  ///< bytes after the header
    std::uint8_t protocol = 0;
    std::uint8_t hop_limit = 64;
    std::uint8_t traffic_class = 0;
    bool dont_fragment = false;  ///< IPv4
};

inline std::uint32_t ip_header_length(const wire::IpAddress& address) noexcept {
    return address.version == 4 ? wire::kIpv4HeaderLength : wire::kIpv6HeaderLength;
}

inline std::uint16_t ether_type_of(const wire::IpAddress& address) noexcept {
    return address.version == 4 ? wire::kEtherTypeIpv4 : wire::kEtherTypeIpv6;
}

/// Writes the header without options or extensions. `to` has room for ip_header_length() bytes.
inline void write_ip_header(const IpFields& fields, std::byte* to) noexcept {
    const auto write = [&](auto header) {
        header.source = fields.source;
        header.destination = fields.destination;
        header.total_length = ip_header_length(fields.source) + fields.payload_length;
        header.protocol = fields.protocol;
        header.hop_limit = fields.hop_limit;
        header.traffic_class = fields.traffic_class;
        if constexpr (requires { header.dont_fragment; })
            header.dont_fragment = fields.dont_fragment;
        wire::write_header(header, to);
    };
    if (fields.source.version == 4)
        write(wire::Ipv4Header{});
    else
        write(wire::Ipv6Header{});
}

}  // namespace l2echo::stack
