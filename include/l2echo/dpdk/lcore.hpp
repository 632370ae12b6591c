// An EAL lcore as a plain value.
#pragma once

namespace l2echo::dpdk {

/// An lcore and its placement.
struct Lcore {
    unsigned id = 0;
    int cpu = -1;        ///< -1: may run on several CPUs
    int numa_node = -1;  ///< -1: unknown
};

}  // namespace l2echo::dpdk
