#include "l2echo/server/removed_ports.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "l2echo/dpdk/control_thread.hpp"
#include "three_workers.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

using namespace std::chrono_literals;
using dpdk::Ports;

/// Simulates the PCI bus when VFIO asks for the device back.
void remove_device(const dpdk::Port& port) {
    rte_dev_event_callback_process(port.name().c_str(), RTE_DEV_EVENT_REMOVE);
}

std::uint64_t received_on(const engine::WorkerGroup& group, std::uint16_t port) {
    std::uint64_t frames = 0;
    for (const auto& worker : group.workers())
        for (const engine::QueuePair* pair : worker->queue_pairs)
            if (pair->port() == port)
                frames += pair->counters.read(verdict::Count::Received);
    return frames;
}

/// Bounded, so that a port that never receives fails the test instead of hanging it.
bool receives_more(const engine::WorkerGroup& group, std::uint16_t port) {
    const std::uint64_t before = received_on(group, port);
    for (int i = 0; i < 1000 && received_on(group, port) == before; ++i)
        std::this_thread::sleep_for(10ms);
    return received_on(group, port) > before;
}

bool give_up_all(Ports& ports, engine::WorkerGroup& group, process::StopSignal& stop) {
    for (int i = 0; i < 100; ++i) {
        server::give_up_removed_ports(ports, group, stop);
        if (std::ranges::all_of(ports,
                                [](const dpdk::Port& port) { return port.removed() == port.given_up(); }))
            return true;
    }
    return false;
}

TEST(RemovedPorts, OnePortIsRemovedAndTheOtherContinues) {
    const Vdev first("net_null_r0");
    const Vdev second("net_null_r1");
    process::StopSignal stop;
    Ports ports;
    for (const std::uint16_t id : {first.port(), second.port()})
        ports.emplace_back(id, small_port_request(3), std::vector<int>{0, 0, 0});
    server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(true), stop);
    engine::WorkerGroup& group = echo.group();
    group.launch();
    ASSERT_TRUE(receives_more(group, first.port()));
    EXPECT_TRUE(give_up_all(ports, group, stop));
    EXPECT_FALSE(ports[0].given_up()) << "nothing has been removed yet";
    EXPECT_NO_THROW(server::throw_if_removed(ports));

    remove_device(ports[0]);
    EXPECT_TRUE(ports[0].removed());
    EXPECT_FALSE(ports[1].removed());
    ASSERT_TRUE(give_up_all(ports, group, stop));
    EXPECT_TRUE(ports[0].given_up());
    EXPECT_EQ(rte_eth_dev_is_valid_port(first.port()), 0) << "the port must be closed";
    for (std::uint16_t queue = 0; queue < 3; ++queue)
        EXPECT_EQ(rte_mempool_in_use_count(ports[0].mempool(queue)), 0u);
    EXPECT_FALSE(ports[0].link().up);
    EXPECT_EQ(ports[0].name(), "net_null_r0");
    const std::uint64_t at_the_end = received_on(group, first.port());
    EXPECT_TRUE(receives_more(group, second.port()));
    EXPECT_EQ(received_on(group, first.port()), at_the_end);
    EXPECT_FALSE(stop.requested());
    EXPECT_THROW(server::throw_if_removed(ports), std::runtime_error);
}

TEST(RemovedPorts, LastRemovalStopsTheProgram) {
    const Vdev only("net_null_last");
    process::StopSignal stop;
    Ports ports;
    ports.emplace_back(only.port(), small_port_request(2), std::vector<int>{0, 0});
    server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(true), stop);
    engine::WorkerGroup& group = echo.group();
    group.launch();
    remove_device(ports[0]);
    ASSERT_TRUE(give_up_all(ports, group, stop));
    EXPECT_TRUE(stop.requested());
}

TEST(RemovedPorts, PortStaysOpenWhileAWorkerMayPollIt) {
    const Vdev null("net_null_busy");
    process::StopSignal stop;
    Ports ports;
    ports.emplace_back(null.port(), small_port_request(2), std::vector<int>{0, 0});
    server::EchoWorkers echo(kThreeWorkers, ports, raw_settings(true), stop);
    engine::WorkerGroup& group = echo.group();  // not launched: no worker answers
    remove_device(ports[0]);
    server::give_up_removed_ports(ports, group, stop);
    EXPECT_FALSE(ports[0].given_up());
    group.launch();
    EXPECT_TRUE(give_up_all(ports, group, stop));
    EXPECT_TRUE(ports[0].given_up());
}

TEST(RemovedPorts, AreGivenUpWhileTheMainLcoreEchoes) {
    const Vdev null("net_null_rmain");
    process::StopSignal stop;
    process::ReportSignal asked;
    Ports ports;
    ports.emplace_back(null.port(), small_port_request(1), std::vector<int>{0});
    server::EchoWorkers echo({{{0, 0, 0}}, true}, ports, raw_settings(true), stop);
    engine::WorkerGroup& group = echo.group();
    operations::SnapshotSource snapshots = snapshots_of(ports, echo);
    operations::StatsReporter reporter(snapshots, ports, {.on_link_change = [](std::size_t) {}},
                                       {operations::ReportFormat::Json, 0ms});
    remove_device(ports[0]);
    {
        const dpdk::ControlThread thread("test-stats", [&] {
            reporter.run(stop, asked, 60s, [&] { server::give_up_removed_ports(ports, group, stop); });
        });
        group.run_on_main_lcore();
    }
    EXPECT_TRUE(ports[0].given_up());
}

}  // namespace
}  // namespace l2echo
