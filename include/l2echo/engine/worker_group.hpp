// The workers: planned, launched on their lcores, joined.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/arming.hpp"
#include "l2echo/engine/worker.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::engine {

/// The lcores that echo: all but the main one, or the main one itself when it is the only one.
struct WorkerPlan {
    std::vector<dpdk::Lcore> lcores;
    bool on_main_lcore = false;
};
WorkerPlan plan_workers(const dpdk::Lcore& main, const std::vector<dpdk::Lcore>& others);

/// What each queue pair is told beyond its port and queue.
struct EchoSettings {
    std::uint16_t burst = 32;
    std::uint32_t tx_retries = 0;
    echo::WireRules rules;      ///< without what is the port's own
    cli::RateRequest max_rate;  ///< of each port
    bool loop_check = true;
    bool may_trace = false;
    IdleSettings idle;
};

/// Must go before the ports: the destructor stops and joins the workers. Main lcore only.
class WorkerGroup {
  public:
    WorkerGroup(const WorkerPlan& plan, const std::vector<std::unique_ptr<dpdk::Port>>& ports,
                const EchoSettings& settings, echo::Session& session, process::StopSignal& stop);
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

    const std::vector<std::unique_ptr<Worker>>& workers() const noexcept { return workers_; }
    const std::vector<std::unique_ptr<FrameTrace>>& traces() const noexcept { return traces_; }

  private:
    struct QueuePairDeleter {
        void operator()(QueuePair* pair) const noexcept;
    };
    using QueuePairPointer = std::unique_ptr<QueuePair, QueuePairDeleter>;

    /// On the worker's NUMA node where it has memory: the counters are written with every burst.
    static QueuePairPointer make_queue_pair(int numa_node, echo::PortGate& gate);

    process::StopSignal& stop_;
    std::vector<std::unique_ptr<FrameTrace>> traces_;
    std::vector<QueuePairPointer> queue_pairs_;
    std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace l2echo::engine
