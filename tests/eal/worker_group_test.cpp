#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "three_workers.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;

std::uint64_t received(const engine::Worker& worker) {
    std::uint64_t frames = 0;
    for (const engine::QueuePair* pair : worker.queue_pairs)
        frames += pair->counters.read(verdict::Count::Received);
    return frames;
}

/// Bounded, so that a worker that never receives fails the test instead of hanging it.
bool wait_for_frames(const engine::WorkerGroup& group) {
    for (int i = 0; i < 1000; ++i) {
        if (std::ranges::all_of(group.workers(), [](const auto& worker) {
                return worker->queue_pairs.empty() || received(*worker) > 0;
            }))
            return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

TEST(WorkerGroup, EachWorkerEchoesItsOwnQueuePairOfEveryPort) {
    const Vdev first("net_null_w0");
    const Vdev second("net_null_w1");
    process::StopSignal stop;
    dpdk::Ports ports;
    for (const std::uint16_t id : {first.port(), second.port()})
        ports.emplace_back(id, small_port_request(3), std::vector<int>{0, 0, 0});

    server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(false), stop);
    engine::WorkerGroup& group = echo.group();
    group.launch();
    for (const auto& worker : group.workers())
        EXPECT_TRUE(worker->running.load());
    EXPECT_TRUE(wait_for_frames(group));
    stop.request();
    group.join();

    for (std::size_t index = 0; index < 3; ++index) {
        const engine::Worker& worker = *group.workers()[index];
        EXPECT_FALSE(worker.running.load());
        ASSERT_EQ(worker.queue_pairs.size(), 2u);
        for (const engine::QueuePair* pair : worker.queue_pairs) {
            EXPECT_EQ(pair->queue(), index);
            const verdict::FrameCounts counts = pair->counters.read();
            EXPECT_GT(counts[verdict::Count::Received], 0u);
            EXPECT_TRUE(counts.balanced());
        }
        EXPECT_GT(worker.busy_cycles.read(), 0u);
    }
    for (const dpdk::Port& port : ports)
        for (std::uint16_t queue = 0; queue < 3; ++queue)
            EXPECT_EQ(rte_mempool_in_use_count(port.mempool(queue)), 0u);
}

TEST(WorkerGroup, WorkerWithoutAQueueRunsIdlesAndStops) {
    const Vdev null("net_null_idle");
    process::StopSignal stop;
    dpdk::Ports ports;
    ports.emplace_back(null.port(), small_port_request(1), std::vector<int>{0});
    server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(false), stop);
    engine::WorkerGroup& group = echo.group();
    group.launch();
    EXPECT_TRUE(group.workers()[2]->running.load());
    EXPECT_TRUE(group.workers()[2]->queue_pairs.empty());
    stop.request();
    group.join();
    EXPECT_EQ(group.workers()[2]->busy_cycles.read(), 0u);
}

TEST(WorkerGroup, DestructorStopsTheWorkers) {
    const Vdev null("net_null_scope");
    process::StopSignal stop;
    dpdk::Ports ports;
    ports.emplace_back(null.port(), small_port_request(3), std::vector<int>{0, 0, 0});
    {
        server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(false), stop);
        engine::WorkerGroup& group = echo.group();
        group.launch();
    }
    EXPECT_TRUE(stop.requested());
    for (const dpdk::Lcore& lcore : kThreeWorkers.lcores)
        EXPECT_EQ(rte_eal_get_lcore_state(lcore.id), WAIT);
}

TEST(WorkerGroup, MainLcoreEchoesWhileAControlThreadReports) {
    const Vdev null("net_null_main");
    process::StopSignal stop;
    process::ReportSignal asked;
    dpdk::Ports ports;
    ports.emplace_back(null.port(), small_port_request(1), std::vector<int>{0});
    server::EchoWorkers echo({{{0, 0, 0}}, true}, ports, raw_settings(false), stop);
    engine::WorkerGroup& group = echo.group();
    operations::SnapshotSource snapshots = snapshots_of(ports, echo);
    operations::StatsReporter reporter(snapshots, ports, {.on_link_change = [](std::size_t) {}},
                                       {operations::ReportFormat::Json, 0ms});
    {
        const dpdk::ControlThread thread("test-stats", [&] { reporter.run(stop, asked, 100ms, [] {}); });
        group.run_on_main_lcore();
    }
    EXPECT_TRUE(stop.requested());
    EXPECT_GT(received(*group.workers()[0]), 0u);
}

}  // namespace
}  // namespace l2echo
