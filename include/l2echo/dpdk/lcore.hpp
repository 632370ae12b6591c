// An EAL lcore, as a plain value.
#pragma once

namespace l2echo::dpdk {

/// An lcore and where it runs.
struct Lcore {
    unsigned id = 0;
    int cpu = -1;        ///< -1: on a set of CPUs
    int numa_node = -1;  ///< -1: unknown
};

}  // namespace l2echo::dpdk
