// What a service of one worker has done.
#pragma once

#include <cstdint>

namespace l2echo::service {

/// Written by the worker. Bytes are those of payloads.
struct TcpCounters {
    std::uint64_t accepted = 0;
    std::uint64_t ended = 0;           ///< or closed by the service
    std::uint64_t received_bytes = 0;  ///< but for TcpEcho, whose bytes the stack echoes and counts
    std::uint64_t sent_bytes = 0;
    std::uint64_t requests = 0;   ///< that were answered in full
    std::uint64_t malformed = 0;  ///< requests that ended before their last byte
};

/// received = answered + discarded + refused + no_room
struct UdpCounters {
    std::uint64_t received = 0;
    std::uint64_t answered = 0;
    std::uint64_t discarded = 0;     ///< by a service that never answers
    std::uint64_t refused_port = 0;  ///< the source port may belong to a service
    std::uint64_t refused_rate = 0;  ///< the source has had its answers of this second
    std::uint64_t no_room = 0;       ///< the answer would be longer than kMaxUdpPayload
    std::uint64_t received_bytes = 0;
    std::uint64_t sent_bytes = 0;

    std::uint64_t refused() const noexcept { return refused_port + refused_rate; }
};

}  // namespace l2echo::service
