// Tuples for tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "l2echo/tcp/tuple.hpp"

namespace l2echo::tcp {

inline wire::IpAddress ipv4_address(std::uint8_t last) {
    wire::IpAddress address;
    address.version = 4;
    address.bytes[0] = std::byte{198};
    address.bytes[1] = std::byte{51};
    address.bytes[2] = std::byte{100};
    address.bytes[3] = std::byte{last};
    return address;
}

inline Tuple ipv4_tuple(std::uint16_t remote_port = 40'000) {
    return {ipv4_address(1), ipv4_address(2), 7, remote_port};
}

}  // namespace l2echo::tcp
