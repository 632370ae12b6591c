// Arguments for EchoWorkers on the three workers of eal_main.cpp.
#pragma once

#include "l2echo/operations/stats_reporter.hpp"
#include "server/echo_workers.hpp"

inline const l2echo::engine::WorkerPlan kThreeWorkers{{{1, -1, 0}, {2, -1, 0}, {3, -1, 0}}, false};

/// The null device delivers all-zero frames.
inline l2echo::server::EchoSettings raw_settings(bool loop_check) {
    l2echo::server::EchoSettings settings;
    settings.rules.raw = true;
    settings.loop_check = loop_check;
    return settings;
}

inline l2echo::operations::SnapshotSource snapshots_of(const l2echo::dpdk::Ports& ports,
                                                       l2echo::server::EchoWorkers& echo) {
    return {ports, echo.group().workers(), [&echo](std::size_t port) { return echo.arming().state(port); }};
}
