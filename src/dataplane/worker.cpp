#include "l2echo/dataplane/worker.hpp"

#include <rte_cycles.h>

#include <chrono>
#include <thread>

namespace l2echo {
namespace {

/// Stays in the loop so that every worker starts, stops and reports alike; leaves its CPU to others.
void sleep_until_stopped(const std::atomic<bool>& stop) noexcept {
    constexpr std::chrono::milliseconds kNap{20};
    while (!stop.load(std::memory_order_relaxed))
        std::this_thread::sleep_for(kNap);
}

void echo_until_stopped(Worker& worker, const std::atomic<bool>& stop) noexcept {
    std::uint64_t turn_began = rte_rdtsc();
    while (!stop.load(std::memory_order_relaxed)) {
        std::uint32_t received = 0;
        for (QueuePair* pair : worker.queue_pairs)
            received += echo_burst(*pair);
        const std::uint64_t now = rte_rdtsc();
        if (received > 0)
            worker.busy_cycles.add(now - turn_began);
        turn_began = now;
    }
}

}  // namespace

void run_worker(Worker& worker, const std::atomic<bool>& stop) noexcept {
    worker.running.store(true, std::memory_order_release);
    if (worker.queue_pairs.empty())
        sleep_until_stopped(stop);
    else
        echo_until_stopped(worker, stop);
    worker.running.store(false, std::memory_order_release);
}

}  // namespace l2echo
