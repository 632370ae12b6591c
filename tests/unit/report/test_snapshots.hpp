// Two snapshots taken two seconds apart: one port with two queue pairs on two workers, and a third worker
// without a queue.
#pragma once

#include "l2echo/report/snapshot.hpp"

inline l2echo::report::Snapshot snapshot_at_start() {
    using namespace l2echo;
    report::Snapshot snapshot;
    snapshot.workers = {{1, 0, 0, {{0, 0, {}}}}, {2, 0, 0, {{0, 1, {}}}}, {3, 0, 0, {}}};
    report::PortSnapshot port;
    port.id = 0;
    port.name = "net_test0";
    port.driver = "net_test";
    port.mac = "02:00:00:00:00:01";
    port.promiscuous = true;
    port.link = {true, 10'000, true, 0};
    snapshot.ports = {port};
    return snapshot;
}

inline l2echo::report::Snapshot snapshot_after_two_seconds() {
    using namespace l2echo;
    report::Snapshot snapshot = snapshot_at_start();
    snapshot.seconds = 2;
    snapshot.tsc_cycles = 4'000'000;
    verdict::FrameCounts& first = snapshot.workers[0].queue_pairs[0].counts;
    first[verdict::Count::Bursts] = 100;
    first[verdict::Count::Received] = 3000;
    first[verdict::Count::ReceivedBytes] = 3000 * 60;
    first[verdict::Count::Echoed] = 2900;
    first[verdict::Count::EchoedBytes] = 2900 * 60;
    first[verdict::Count::Dropped] = 30;
    first[verdict::Count::Answered] = 10;
    first[verdict::Count::ChecksSent] = 2;
    first[verdict::Reason::Runt] = 10;
    first[verdict::Reason::GroupDestination] = 50;
    snapshot.workers[0].busy_cycles = 300'000;
    verdict::FrameCounts& second = snapshot.workers[1].queue_pairs[0].counts;
    second[verdict::Count::Bursts] = 1000;
    second[verdict::Count::Received] = 1000;
    second[verdict::Count::ReceivedBytes] = 1000 * 60;
    second[verdict::Count::Echoed] = 1000;
    second[verdict::Count::EchoedBytes] = 1000 * 60;
    snapshot.workers[1].busy_cycles = 1'000'000;
    snapshot.ports[0].counts[verdict::PortCount::Missed] = 7;
    snapshot.ports[0].counts[verdict::PortCount::RxErrors] = 1;
    return snapshot;
}
