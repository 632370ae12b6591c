// Runs one schedule, and says what was wrong.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "impaired_wire.hpp"
#include "l2echo/tcp/info.hpp"
#include "schedule.hpp"

namespace l2echo::sim {

struct SimulationResult {
    std::string finding;        ///< empty: each property holds
    std::int64_t duration = 0;  ///< virtual, microseconds
    std::int64_t transfer = 0;  ///< from the first opening until the last bytes were read, microseconds
    std::uint64_t events = 0;
    std::uint64_t received = 0;  ///< bytes, by all applications
    std::array<WireCounts, 2> wires;
    // Sums over the connections that ended
    std::uint64_t retransmitted = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t recoveries = 0;
    std::uint64_t undone = 0;
    std::uint64_t probes = 0;
    std::uint64_t memory_refused = 0;
    std::uint64_t resets = 0;     ///< sides that were reset
    std::uint64_t timed_out = 0;  ///< sides that gave up
    std::uint64_t cookies = 0;    ///< accepted
};

/// Writes a line per segment to `trace`, if there is one.
SimulationResult simulate(const Schedule& schedule, std::FILE* trace = nullptr);

/// Changes one parameter after another to its simplest value, or closer to it, as long as the schedule fails.
/// Returns a schedule that fails, and for which no single change of this type does.
Schedule shrink(const Schedule& failing, const std::function<bool(const Schedule&)>& fails);

}  // namespace l2echo::sim
