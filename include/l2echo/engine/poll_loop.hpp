// The loop of a worker: poll, run to completion, poll again. The source decides what a poll does.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>

#include "l2echo/dpdk/polling_lcore.hpp"
#include "l2echo/engine/busy_time.hpp"
#include "l2echo/engine/idle.hpp"
#include "l2echo/engine/worker.hpp"

namespace l2echo::engine {

/// Due time of a timer that never expires.
inline constexpr std::uint64_t kNeverDue = std::numeric_limits<std::uint64_t>::max();

/// What a worker polls: a queue pair and the processing of its frames. Times are TSC cycles.
template <typename Type>
concept Source = requires(Type source, std::uint64_t now) {
    requires std::same_as<decltype(source.queues), QueuePair>;
    { source.poll(now) }
    noexcept->std::convertible_to<std::uint32_t>;  ///< frames received
    { source.run_timer(now) }
    noexcept->std::convertible_to<std::uint64_t>;  ///< next due time
};

/// Runs the timers of the sources. Returns the earliest next due time.
template <Source Type>
std::uint64_t run_timers(std::span<Type* const> sources, std::uint64_t now) noexcept {
    std::uint64_t due = kNeverDue;
    for (Type* source : sources)
        if (source->queues.is_polled())
            due = std::min(due, source->run_timer(now));
    return due;
}

/// Polls every source once per iteration until any thread sets `stop`, waits according to `idle` while no
/// frames arrive, and runs the sources' timers. A worker without sources, or whose queue pairs have all
/// ended, sleeps instead. Runs on the worker's lcore.
template <Source Type>
void run_worker(Worker& worker, std::span<Type* const> sources, const IdleSettings& idle,
                const std::atomic<bool>& stop) noexcept {
    prepare_to_wait(idle.mode);
    worker.running.store(true, std::memory_order_release);
    {
        const dpdk::PollingLcore lcore;  // ends before the worker sleeps
        std::size_t left = sources.size();
        BusyTime time(worker.busy_cycles, left > 0 ? sources.front()->queues.burst() : 0);
        std::uint64_t due = time.now();
        std::uint32_t empty_iterations = 0;
        while (left > 0 && !stop.load(std::memory_order_relaxed)) {
            if (time.now() >= due) [[unlikely]]
                due = run_timers(sources, time.now());
            std::uint32_t received = 0;
            for (Type* source : sources) {
                if (source->queues.is_polled()) [[likely]]
                    received += source->poll(time.now());
                else if (source->queues.end())
                    --left;
            }
            lcore.end_turn();
            if (received > 0)
                empty_iterations = 0;
            else if (idle.mode != Idle::Poll && ++empty_iterations > kEmptyIterations)
                wait_for_frames(idle, worker.queue_pairs);
            time.end_iteration(received);
        }
    }
    sleep_until_stopped(stop);
    worker.running.store(false, std::memory_order_release);
}

}  // namespace l2echo::engine
