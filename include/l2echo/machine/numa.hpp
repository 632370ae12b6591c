// Where memory and CPUs are (libnuma), and what to say when they are apart.
#pragma once

#include <string>
#include <vector>

namespace l2echo::machine {

inline constexpr int kUnknownNode = -1;

/// NUMA node of a CPU; kUnknownNode when the kernel does not tell.
int numa_node_of_cpu_id(int cpu);

/// NUMA node that holds the page at `address`; kUnknownNode when the kernel does not tell (in some
/// containers).
int numa_node_of_memory(void* address);

/// One queue pair's worker and pool.
struct QueuePairNodes {
    unsigned lcore;
    int worker_node;
    int pool_node;
};

/// A warning for each worker or pool on another node than the port. Unknown nodes are not warned of.
std::vector<std::string> numa_warnings(int port_node, const std::vector<QueuePairNodes>& queue_pairs);

}  // namespace l2echo::machine
