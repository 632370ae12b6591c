// Checks that the CPU and the drivers support the requested --idle mode.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/idle.hpp"

namespace l2echo::server {

/// Support of a port's driver for monitoring an RX queue.
struct PortMonitor {
    std::string port;  ///< "port 0 (net_tap0)"
    std::string driver;
    int result = 0;  ///< result of check_monitor()
};

/// Returns why Idle::Umwait is not available, and which modes are; empty if it is available. Pure.
std::optional<std::string> umwait_problem(const engine::MonitorSupport& cpu,
                                          const std::vector<PortMonitor>& ports);

/// Throws StartupError if the mode is not supported. The ports must be started. Main lcore.
void require_idle_support(engine::Idle idle, const dpdk::Ports& ports);

}  // namespace l2echo::server
