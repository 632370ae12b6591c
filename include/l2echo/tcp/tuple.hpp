// The endpoints of one connection.
#pragma once

#include <cstdint>

#include "l2echo/wire/ip.hpp"

namespace l2echo::tcp {

/// Identifies a connection, seen from this end. Both addresses belong to the same family.
struct Tuple {
    wire::IpAddress local;
    wire::IpAddress remote;
    std::uint16_t local_port = 0;  ///< host byte order
    std::uint16_t remote_port = 0;

    friend bool operator==(const Tuple&, const Tuple&) = default;
};

}  // namespace l2echo::tcp
