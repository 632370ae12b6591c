// The time of this module: the caller has the clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace l2echo::net {

/// Microseconds. An instant is the duration since a start that the caller chooses; it must not be negative
/// and must not decrease between the calls for one object.
using Micros = std::chrono::duration<std::int64_t, std::micro>;

/// No deadline.
inline constexpr Micros kNever = Micros::max();

}  // namespace l2echo::net
