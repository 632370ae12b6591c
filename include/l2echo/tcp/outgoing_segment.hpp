// One segment to send.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "l2echo/wire/tcp.hpp"

namespace l2echo::tcp {

/// The caller writes the IP header, the bytes of both spans in this order, and the checksum. The spans point
/// into the connection's send FIFO and are valid until the next call of a member of the connection that is
/// not const.
struct OutgoingSegment {
    wire::TcpHeader header;
    std::span<const std::byte> first;
    std::span<const std::byte> second;  ///< not empty only where the FIFO wraps

    std::size_t payload_length() const noexcept { return first.size() + second.size(); }
};

}  // namespace l2echo::tcp
