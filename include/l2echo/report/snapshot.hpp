// All counters at one moment, as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/port_gate.hpp"
#include "l2echo/engine/counter_set.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::report {

struct QueuePairSnapshot {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    engine::QueuePairCounts counts;
};

struct WorkerSnapshot {
    unsigned lcore = 0;
    int numa_node = -1;
    std::uint64_t busy_cycles = 0;  ///< TSC
    std::vector<QueuePairSnapshot> queue_pairs;
};

/// Whether a port echoes, and why not.
struct SessionState {
    echo::Refusal closed_by = echo::Refusal::None;  ///< None: it echoes
    echo::Facing facing = echo::Facing::Nobody;     ///< the far end that made it stop
    std::optional<double> remaining_seconds;        ///< empty: without end, or over
};

/// "armed" when the port echoes, else the reason of its refusals.
constexpr std::string_view name_of(const SessionState& state) noexcept {
    return state.closed_by == echo::Refusal::None
               ? "armed"
               : echo::kRefusalTable[static_cast<std::size_t>(state.closed_by)].name;
}

struct PortSnapshot {
    std::uint16_t id = 0;
    std::string name;
    std::string driver;
    std::string mac;  ///< "02:00:5e:00:00:01"
    int numa_node = -1;
    bool promiscuous = false;
    bool removed = false;  ///< the device was taken away while running
    wire::LinkState link;
    SessionState session;
    dpdk::PortCounts counts;
};

struct Snapshot {
    double seconds = 0;            ///< since the workers were launched
    std::uint64_t tsc_cycles = 0;  ///< since the workers were launched
    std::vector<WorkerSnapshot> workers;
    std::vector<PortSnapshot> ports;
};

}  // namespace l2echo::report
