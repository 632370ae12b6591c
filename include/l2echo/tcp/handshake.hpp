// What both ends agreed in a passive handshake.
#pragma once

#include <cstdint>
#include <optional>

#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/timestamp_clock.hpp"

namespace l2echo::tcp {

/// Made by a Listener from a half-open entry or from a SYN cookie. A Connection continues from it in
/// SYN-RECEIVED.
struct Handshake {
    Sequence initial_send;         ///< sequence number of our SYN-ACK
    Sequence initial_receive;      ///< sequence number of the peer's SYN
    std::uint16_t peer_mss = 536;  ///< bytes; from the peer's option, or the default of RFC 9293 3.7.1
    std::optional<std::uint8_t>
        peer_scale;  ///< shift of the peer's windows, at most 14; empty: no window scaling
    bool sack = false;
    bool timestamps = false;
    std::uint32_t peer_timestamp = 0;  ///< TSval of the SYN
    TimestampClock clock;              ///< of our TSval
    /// Time of the SYN-ACK; empty: unknown, because it was a cookie. A round trip is measured if it was sent
    /// once (Karn).
    std::optional<Micros> sent_at;
    std::uint8_t times_sent = 1;  ///< SYN-ACKs sent
};

}  // namespace l2echo::tcp
