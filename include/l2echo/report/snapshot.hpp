// All counters at one moment, as plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "l2echo/dataplane/queue_pair_counters.hpp"
#include "l2echo/device/port.hpp"

namespace l2echo {

struct QueuePairSnapshot {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    QueuePairCounts counts;
};

struct WorkerSnapshot {
    unsigned lcore = 0;
    int numa_node = -1;
    std::uint64_t busy_cycles = 0;  ///< TSC
    std::vector<QueuePairSnapshot> queue_pairs;
};

struct PortSnapshot {
    std::uint16_t id = 0;
    std::string name;
    std::string driver;
    std::string mac;  ///< "02:00:5e:00:00:01"
    int numa_node = -1;
    bool promiscuous = false;
    LinkState link;
    PortCounts counts;
};

struct Snapshot {
    double seconds = 0;            ///< since the workers were launched
    std::uint64_t tsc_cycles = 0;  ///< since the workers were launched
    std::vector<WorkerSnapshot> workers;
    std::vector<PortSnapshot> ports;
};

}  // namespace l2echo
