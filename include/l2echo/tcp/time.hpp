// The time of TCP: the caller has the clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace l2echo::tcp {

/// Microseconds. An instant is the duration since a start that the caller chooses; it must not be negative
/// and must not decrease between the calls for one connection.
using Micros = std::chrono::duration<std::int64_t, std::micro>;

}  // namespace l2echo::tcp
