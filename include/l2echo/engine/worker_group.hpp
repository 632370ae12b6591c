// Plans the workers, launches them on their lcores, and joins them.
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

/// Lcores that run workers: all but the main lcore, or the main lcore if it is the only one.
struct WorkerPlan {
    std::vector<dpdk::Lcore> lcores;
    bool on_main_lcore = false;
};
WorkerPlan plan_workers(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& others);

using Workers = std::vector<dpdk::NumaPtr<Worker>>;

/// Destroy before the ports and before anything that the loops use: the destructor stops and joins the
/// workers. Main lcore only.
class WorkerGroup {
  public:
    /// The loop that worker `index` runs on its lcore. It must set `running`, and return once `stop` is set.
    using Loop = std::function<void(std::size_t index, Worker& worker, const std::atomic<bool>& stop)>;

    WorkerGroup(Workers workers, Loop loop, process::StopSignal& stop);
    ~WorkerGroup();
    WorkerGroup(const WorkerGroup&) = delete;
    WorkerGroup& operator=(const WorkerGroup&) = delete;

    /// Launches every worker on its lcore and returns once all are in their loops. Not for a worker on the
    /// main lcore. Throws StartupError.
    void launch();

    /// Runs the only worker on the calling lcore until stopped.
    void run_on_main_lcore();

    /// Asks the workers to stop polling this port; true if all did within `limit`. If false, it may be called
    /// again. Any thread.
    bool stop_polling(std::uint16_t port, std::chrono::milliseconds limit);

    /// Returns once all workers have left their loops. The stop signal must be set, or be set soon.
    void join();

    const Workers& workers() const noexcept { return workers_; }

  private:
    static int run_on_lcore(void* launch);

    Workers workers_;
    Loop loop_;
    process::StopSignal& stop_;
};

}  // namespace l2echo::engine
