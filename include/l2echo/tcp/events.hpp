// What happened to a connection, as its application sees it.
#pragma once

#include <cstdint>

namespace l2echo::tcp {

enum class Event : std::uint16_t {
    Connected = 1,        ///< the handshake is complete: both directions are open
    Readable = 2,         ///< bytes arrived in order
    Writable = 4,         ///< the peer acknowledged bytes: write() may accept more
    PeerClosed = 8,       ///< the peer's FIN arrived in order: no byte follows those that are readable
    TimeWait = 16,        ///< both ends closed; the connection may be replaced by its TimeWait entry
    Closed = 32,          ///< the end: no segment follows, and the object may be destroyed
    Reset = 64,           ///< the peer's RST ended the connection; in SYN-SENT: it was refused
    TimedOut = 128,       ///< no answer: R2 of RFC 9293, the user timeout, or keepalive ended the connection
    Unreachable = 256,    ///< an ICMP error ended a connection that was not open yet
    Suspect = 512,        ///< R1 of RFC 9293: several retransmissions were not answered; check the route
    MemoryRefused = 1024  ///< bytes were dropped because the arena is empty
};

/// A set of events.
class Events {
  public:
    constexpr Events() = default;
    constexpr Events(Event event) noexcept : bits_(static_cast<std::uint16_t>(event)) {}

    constexpr bool has(Event event) const noexcept {
        return (bits_ & static_cast<std::uint16_t>(event)) != 0;
    }
    constexpr bool any() const noexcept { return bits_ != 0; }
    constexpr Events& operator|=(Events other) noexcept {
        bits_ = static_cast<std::uint16_t>(bits_ | other.bits_);
        return *this;
    }
    friend constexpr Events operator|(Events a, Events b) noexcept { return a |= b; }
    friend constexpr bool operator==(Events, Events) = default;

  private:
    std::uint16_t bits_ = 0;
};

}  // namespace l2echo::tcp
