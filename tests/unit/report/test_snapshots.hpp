// Two snapshots two seconds apart: one port with two queue pairs on two workers, and a third worker without
// any.
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
    engine::QueuePairCounts& first = snapshot.workers[0].queue_pairs[0].counts;
    first.bursts = 100;
    first.received = 3000;
    first.received_bytes = 3000 * 60;
    first.echoed = 2900;
    first.echoed_bytes = 2900 * 60;
    first.dropped = 30;
    first.answered = 10;
    first.checks_sent = 2;
    first.refused_by[static_cast<std::size_t>(echo::Refusal::Runt)] = 10;
    first.refused_by[static_cast<std::size_t>(echo::Refusal::GroupDestination)] = 50;
    snapshot.workers[0].busy_cycles = 300'000;
    engine::QueuePairCounts& second = snapshot.workers[1].queue_pairs[0].counts;
    second.bursts = 1000;
    second.received = 1000;
    second.received_bytes = 1000 * 60;
    second.echoed = 1000;
    second.echoed_bytes = 1000 * 60;
    snapshot.workers[1].busy_cycles = 1'000'000;
    snapshot.ports[0].counts = {7, 0, 1, 0};
    return snapshot;
}
