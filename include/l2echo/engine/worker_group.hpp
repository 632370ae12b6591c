// The workers: planned, launched on their lcores, joined.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/numa_memory.hpp"
#include "l2echo/engine/worker.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::engine {

/// The lcores that work: all but the main one, or the main one itself when it is the only one.
struct WorkerPlan {
    std::vector<dpdk::Lcore> lcores;
    bool on_main_lcore = false;
};
WorkerPlan plan_workers(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& others);

using Workers = std::vector<dpdk::NumaPtr<Worker>>;

/// Must go before the ports and before what its loops use: the destructor stops and joins the workers. Main
/// lcore only.
class WorkerGroup {
  public:
    /// What worker number `index` does on its lcore: sets `running`, and returns when `stop` is set.
    using Loop = std::function<void(std::size_t index, Worker& worker, const std::atomic<bool>& stop)>;

    WorkerGroup(Workers workers, Loop loop, process::StopSignal& stop);
    ~WorkerGroup();
    WorkerGroup(const WorkerGroup&) = delete;
    WorkerGroup& operator=(const WorkerGroup&) = delete;

    /// Starts every worker on its lcore and returns when all are in their loop. Not for a worker on the main
    /// lcore. Throws StartupError.
    void launch();

    /// Runs the only worker here until stopped.
    void run_on_main_lcore();

    /// Asks the workers to leave this port alone; true when they do. Any thread; may be asked again when
    /// false.
    bool stop_polling(std::uint16_t port, std::chrono::milliseconds limit);

    /// Returns when all workers have left their loop; the stop signal must be set or about to be.
    void join();

    const Workers& workers() const noexcept { return workers_; }

  private:
    static int run_on_lcore(void* launch);

    Workers workers_;
    Loop loop_;
    process::StopSignal& stop_;
};

}  // namespace l2echo::engine
