// An ICMP error about a segment of a connection.
#pragma once

#include <cstdint>

#include "l2echo/tcp/sequence.hpp"

namespace l2echo::tcp {

/// What the caller read from an ICMP or ICMPv6 error whose quoted tuple is the connection's.
struct IcmpError {
    enum class Kind : std::uint8_t {
        PacketTooBig,         ///< ICMP 3/4, ICMPv6 2
        RouteUnreachable,     ///< network, host, address: ICMP 3/0, 3/1, 3/5, 11, ICMPv6 1/0, 1/3, 3
        ProtocolUnreachable,  ///< protocol, port, prohibited: ICMP 3/2, 3/3, 3/9, 3/10, 3/13, ICMPv6 1/1,
                              ///< 1/4
    };

    Kind kind = Kind::RouteUnreachable;
    Sequence sequence;  ///< sequence number of the quoted segment
    std::uint32_t mtu =
        0;  ///< PacketTooBig: of the next hop, in bytes; 0: a router that does not say (RFC 1191)
};

}  // namespace l2echo::tcp
