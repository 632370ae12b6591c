#include "l2echo/operations/snapshot_source.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "l2echo/report/snapshot_metrics.hpp"
#include "three_workers.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;

/// Three workers that echo on one port.
struct Running {
    Running() {
        ports.emplace_back(null.port(), small_port_request(3), std::vector<int>{0, 0, 0});
        echo.emplace(kThreeWorkers, ports, raw_settings(false), stop);
        snapshots.emplace(ports, echo->group().workers(),
                          [this](std::size_t port) { return echo->arming().state(port); });
    }

    const Vdev null{"net_null_snap"};
    process::StopSignal stop;
    dpdk::Ports ports;
    std::optional<server::EchoWorkers> echo;
    std::optional<operations::SnapshotSource> snapshots;
};

/// Frames received that are not in the parts yet, or the other way round.
std::int64_t unaccounted(const verdict::FrameCounts& counts) {
    return static_cast<std::int64_t>(counts[verdict::Count::Received] - counts[verdict::Count::Echoed] -
                                     counts[verdict::Count::Answered] - counts.refused() -
                                     counts[verdict::Count::Dropped]);
}

std::uint64_t total_received(const report::Snapshot& snapshot) {
    std::uint64_t frames = 0;
    for (const report::WorkerSnapshot& worker : snapshot.workers)
        for (const report::QueuePairSnapshot& pair : worker.queue_pairs)
            frames += pair.counts[verdict::Count::Received];
    return frames;
}

TEST(SnapshotSource, ReceivedIsWithinOneBurstOfItsPartsWhileWorkersRun) {
    Running running;
    running.echo->group().launch();
    std::uint64_t before = 0;
    for (const auto end = std::chrono::steady_clock::now() + 4s; std::chrono::steady_clock::now() < end;) {
        const report::Snapshot snapshot = running.snapshots->take();
        for (const report::WorkerSnapshot& worker : snapshot.workers)
            for (const report::QueuePairSnapshot& pair : worker.queue_pairs)
                ASSERT_LE(std::abs(unaccounted(pair.counts)), server::EchoSettings{}.burst);
        ASSERT_GE(total_received(snapshot), before) << "counters never decrease";
        before = total_received(snapshot);
    }
    EXPECT_GT(before, 0u);
    running.stop.request();
    running.echo->group().join();
    for (const report::WorkerSnapshot& worker : running.snapshots->take().workers)
        for (const report::QueuePairSnapshot& pair : worker.queue_pairs)
            EXPECT_EQ(unaccounted(pair.counts), 0);
}

TEST(SnapshotSource, RecentSnapshotIsReusedForAMoment) {
    Running running;
    const double first = running.snapshots->recent().seconds;
    int reused = 0;
    const auto end = std::chrono::steady_clock::now() + operations::SnapshotSource::kMaxAge * 20;
    double last = first;
    int readings = 0;
    for (; std::chrono::steady_clock::now() < end; ++reused)
        if (const double seconds = running.snapshots->recent().seconds; seconds != last) {
            EXPECT_GE(seconds - last, 0.0099);
            last = seconds;
            ++readings;
        }
    EXPECT_GE(readings, 1);
    EXPECT_LE(readings, 21);
    EXPECT_GT(reused, readings);
}

TEST(SnapshotSource, WorkersAreReadyOnlyWhileTheyRun) {
    Running running;
    EXPECT_TRUE(report::not_ready_reason(running.snapshots->take()));
    running.echo->group().launch();
    EXPECT_EQ(report::not_ready_reason(running.snapshots->take()), std::nullopt);
    running.stop.request();
    running.echo->group().join();
    EXPECT_TRUE(report::not_ready_reason(running.snapshots->take()));
}

TEST(SnapshotSource, SnapshotWaitsWhileAPortIsHeld) {
    Running running;
    std::atomic<bool> taken{false};
    std::thread reader;
    {
        const auto held = running.snapshots->hold_ports();
        reader = std::thread([&] {
            (void)running.snapshots->take();
            taken = true;
        });
        std::this_thread::sleep_for(50ms);
        EXPECT_FALSE(taken);
    }
    reader.join();
    EXPECT_TRUE(taken);
}

}  // namespace
}  // namespace l2echo
