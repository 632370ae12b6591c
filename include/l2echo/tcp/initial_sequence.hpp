// Numbers that depend on the tuple and a secret, so that they are unpredictable to others and rise for each
// tuple.
#pragma once

#include <cstdint>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/timestamp_clock.hpp"
#include "l2echo/tcp/tuple.hpp"

namespace l2echo::tcp {

/// The initial sequence number of a connection that starts now: a clock of 4 us and a keyed hash of the tuple
/// (RFC 6528, RFC 9293 3.4.1).
Sequence initial_sequence(const hash::SipKey& key, const Tuple& tuple, Micros now) noexcept;

/// Timestamps with a keyed offset per tuple (RFC 7323 7.1): successive connections of one tuple have rising
/// timestamps, which reuse in TIME_WAIT needs (RFC 6191).
TimestampClock timestamp_clock(const hash::SipKey& key, const Tuple& tuple) noexcept;

/// For hash tables whose keys a stranger chooses.
std::uint64_t hash_tuple(const hash::SipKey& key, const Tuple& tuple) noexcept;

}  // namespace l2echo::tcp
