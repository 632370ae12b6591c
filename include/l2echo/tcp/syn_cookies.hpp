// SYN cookies (RFC 4987 3.6): a listener under a flood keeps nothing, and the peer's ACK brings back what is
// needed.
#pragma once

#include <cstdint>
#include <optional>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/tuple.hpp"

namespace l2echo::tcp {

/// What the SYN offered, as far as both ends will use it.
struct CookieOptions {
    std::uint16_t mss = 536;                   ///< of the peer, rounded down to one of eight values; bytes
    bool timestamps = false;                   ///< without them, the next two are absent
    std::optional<std::uint8_t> window_scale;  ///< of the peer, 0 to 14
    bool sack = false;

    friend bool operator==(const CookieOptions&, const CookieOptions&) noexcept = default;
};

/// What the SYN-ACK carries.
struct Cookie {
    Sequence isn;
    std::uint32_t timestamp =
        0;  ///< TSval, at most 64 ms in the past; without meaning if options.timestamps is false
    CookieOptions options;  ///< what remains of the offer, and what the SYN-ACK must offer
};

/// The sequence number holds the parity of the minute, three bits of the MSS and 28 bits of a keyed hash of
/// everything else; the low five bits of the timestamp hold the window scale and SACK. A cookie is valid for
/// 60 to 120 s. A guess is right once in 2^28 ACKs at most; the caller should check cookies only while the
/// half-open table is or was full.
class SynCookies {
  public:
    explicit SynCookies(const hash::SipKey& key) noexcept : key_(key) {}

    /// `peer_isn` is that of the SYN; `timestamp` is TimestampClock::at(now) of the tuple.
    Cookie make(const Tuple& tuple, Sequence peer_isn, const CookieOptions& offer, std::uint32_t timestamp,
                Micros now) const noexcept;

    /// `peer_isn` is the sequence of the peer's ACK less one, `isn` its acknowledgement less one, and `echo`
    /// its TSecr, if it has timestamps. Nothing, if that is no cookie of ours or an old one.
    std::optional<CookieOptions> check(const Tuple& tuple, Sequence peer_isn, Sequence isn,
                                       std::optional<std::uint32_t> echo, Micros now) const noexcept;

  private:
    Sequence value(const Tuple& tuple, Sequence peer_isn, std::uint64_t period, std::uint32_t mss_index,
                   std::uint32_t option_bits) const noexcept;

    hash::SipKey key_;
};

}  // namespace l2echo::tcp
