// A worker: an lcore with the queue pairs that only it polls. Workers share nothing.
#pragma once

#include <atomic>
#include <vector>

#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/engine/queue_pair.hpp"

namespace l2echo::engine {

/// While the worker runs, only it accesses the queue pairs, except that the reporter reads the counters.
struct Worker {
    /// `pairs` holds queue pair i of every port, where i is the worker's index; may be empty.
    Worker(const dpdk::Lcore& where, std::vector<QueuePair*> pairs)
        : lcore(where), queue_pairs(std::move(pairs)) {}

    const dpdk::Lcore lcore;
    const std::vector<QueuePair*> queue_pairs;

    alignas(RTE_CACHE_LINE_SIZE) std::atomic<bool> running{false};  ///< written by the worker only
    /// TSC cycles of polls that returned frames, plus the empty poll that ends a run of full bursts; written
    /// by the worker only.
    Counter busy_cycles;
};

}  // namespace l2echo::engine
