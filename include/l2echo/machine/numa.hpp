// NUMA placement of memory and CPUs (libnuma), and warnings about cross-node placement.
#pragma once

#include <string>
#include <vector>

namespace l2echo::machine {

inline constexpr int kUnknownNode = -1;

/// Returns the NUMA node of a CPU; kUnknownNode if the kernel does not report it.
int numa_node_of_cpu_id(int cpu);

/// Returns the NUMA node that holds the page at `address`; kUnknownNode if the kernel does not report it (in
/// some containers).
int numa_node_of_memory(void* address);

/// NUMA nodes of the worker and the pool of one queue pair.
struct QueuePairNodes {
    unsigned lcore;
    int worker_node;
    int pool_node;
};

/// Returns a warning for each worker or pool on a different node than the port. Unknown nodes cause no
/// warning.
std::vector<std::string> numa_warnings(int port_node, const std::vector<QueuePairNodes>& queue_pairs);

}  // namespace l2echo::machine
