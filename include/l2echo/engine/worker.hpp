// A worker: an lcore that runs the echo loop over its own queue pairs and shares nothing with the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "l2echo/echo/echo_burst.hpp"
#include "l2echo/engine/idle.hpp"

namespace l2echo::engine {

/// Planned by the main lcore before the launch. While the worker runs it alone touches the queue pairs;
/// the reporter reads the counters.
struct Worker {
    unsigned lcore = 0;
    int numa_node = 0;  ///< of the lcore; -1 when unknown
    IdleSettings idle;
    std::vector<QueuePair*> queue_pairs;  ///< queue i of every port, i being the worker's index; may be empty

    alignas(RTE_CACHE_LINE_SIZE) std::atomic<bool> running{false};  ///< written by the worker only
    Counter busy_cycles;  ///< TSC cycles of the turns that had frames, and of an empty one behind full
                          ///< bursts; written by the worker only
};

/// Polls every queue pair once a turn until `stop` is set by anyone, waits as `idle` says while no frames
/// come, and sends each port's loop check once a second from its queue pair 0. A worker without queue pairs,
/// or whose queue pairs were all ended, sleeps instead.
void run_worker(Worker& worker, const std::atomic<bool>& stop) noexcept;

}  // namespace l2echo::engine
