#include "l2echo/engine/worker_group.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/operations/stats_reporter.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;

/// The three workers of eal_main.cpp.
const std::vector<dpdk::Lcore> kLcores{{1, -1, 0}, {2, -1, 0}, {3, -1, 0}};
const engine::WorkerPlan kPlan{kLcores, false};

engine::EchoSettings raw_settings() {
    engine::EchoSettings settings;
    settings.rules.raw = true;
    settings.loop_check = false;
    return settings;
}

std::uint64_t received(const engine::Worker& worker) {
    std::uint64_t frames = 0;
    for (const engine::QueuePair* pair : worker.queue_pairs)
        frames += pair->counters.received.read();
    return frames;
}

/// Bounded: a worker that never receives fails the test instead of hanging it.
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
    std::vector<std::unique_ptr<dpdk::Port>> ports;
    for (const std::uint16_t id : {first.port(), second.port()})
        ports.push_back(std::make_unique<dpdk::Port>(id, small_port_request(3), std::vector<int>{0, 0, 0}));

    echo::Session session(ports.size(), false, std::nullopt);
    engine::WorkerGroup group(kPlan, ports, raw_settings(), session, stop);
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
            EXPECT_EQ(pair->queue, index);
            const engine::QueuePairCounts counts = pair->counters.read();
            EXPECT_GT(counts.received, 0u);
            EXPECT_EQ(counts.received, counts.echoed + counts.answered + counts.refused() + counts.dropped);
        }
        EXPECT_GT(worker.busy_cycles.read(), 0u);
    }
    for (const auto& port : ports)
        for (std::uint16_t queue = 0; queue < 3; ++queue)
            EXPECT_EQ(rte_mempool_in_use_count(port->mempool(queue)), 0u);
}

TEST(WorkerGroup, AWorkerWithoutAQueueRunsIdlesAndStops) {
    const Vdev null("net_null_idle");
    process::StopSignal stop;
    std::vector<std::unique_ptr<dpdk::Port>> ports;
    ports.push_back(std::make_unique<dpdk::Port>(null.port(), small_port_request(1), std::vector<int>{0}));
    echo::Session session(ports.size(), false, std::nullopt);
    engine::WorkerGroup group(kPlan, ports, raw_settings(), session, stop);
    group.launch();
    EXPECT_TRUE(group.workers()[2]->running.load());
    EXPECT_TRUE(group.workers()[2]->queue_pairs.empty());
    stop.request();
    group.join();
    EXPECT_EQ(group.workers()[2]->busy_cycles.read(), 0u);
}

TEST(WorkerGroup, StopsItsWorkersWhenItGoes) {
    const Vdev null("net_null_scope");
    process::StopSignal stop;
    std::vector<std::unique_ptr<dpdk::Port>> ports;
    ports.push_back(
        std::make_unique<dpdk::Port>(null.port(), small_port_request(3), std::vector<int>{0, 0, 0}));
    {
        echo::Session session(ports.size(), false, std::nullopt);
        engine::WorkerGroup group(kPlan, ports, raw_settings(), session, stop);
        group.launch();
    }
    EXPECT_TRUE(stop.requested());
    for (const dpdk::Lcore& lcore : kLcores)
        EXPECT_EQ(rte_eal_get_lcore_state(lcore.id), WAIT);
}

TEST(WorkerGroup, TheMainLcoreEchoesWhileAControlThreadReports) {
    const Vdev null("net_null_main");
    process::StopSignal stop;
    std::vector<std::unique_ptr<dpdk::Port>> ports;
    ports.push_back(std::make_unique<dpdk::Port>(null.port(), small_port_request(1), std::vector<int>{0}));
    echo::Session session(ports.size(), false, std::nullopt);
    engine::WorkerGroup group({{{0, 0, 0}}, true}, ports, raw_settings(), session, stop);
    operations::StatsReporter reporter(ports, group.workers(), session, server::StatsFormat::Json, 0ms);
    {
        const dpdk::ControlThread thread("test-stats", [&] { reporter.run(stop, 100ms, [] {}); });
        group.run_on_main_lcore();
    }
    EXPECT_TRUE(stop.requested());
    EXPECT_GT(received(*group.workers()[0]), 0u);
}

}  // namespace
}  // namespace l2echo
