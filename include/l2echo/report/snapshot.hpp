// All counters at one point in time, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/verdict/arming_state.hpp"
#include "l2echo/verdict/counts.hpp"
#include "l2echo/wire/link_state.hpp"

namespace l2echo::report {

struct QueuePairSnapshot {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    verdict::FrameCounts counts;
    std::uint32_t max_retries = 0;  ///< further tries that it may make at a full TX queue
};

struct WorkerSnapshot {
    unsigned lcore = 0;
    int numa_node = -1;
    std::uint64_t busy_cycles = 0;  ///< TSC
    std::vector<QueuePairSnapshot> queue_pairs;
    bool running = false;  ///< it is in its loop
};

struct PortSnapshot {
    std::uint16_t id = 0;
    std::string name;
    std::string driver;
    std::string mac;  ///< "02:00:5e:00:00:01"
    int numa_node = -1;
    bool promiscuous = false;
    bool removed = false;  ///< the device was removed at run time
    wire::LinkState link;
    verdict::ArmingState arming;
    verdict::PortCounts counts;
};

struct Snapshot {
    double seconds = 0;            ///< since the workers were launched
    std::uint64_t tsc_cycles = 0;  ///< since the workers were launched
    std::vector<WorkerSnapshot> workers;
    std::vector<PortSnapshot> ports;
};

}  // namespace l2echo::report
