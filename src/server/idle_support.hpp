// Whether CPU and drivers have what --idle asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/ports.hpp"
#include "l2echo/engine/idle.hpp"

namespace l2echo::server {

/// What a port's driver says about waiting for frames.
struct PortMonitor {
    std::string port;  ///< "port 0 (net_tap0)"
    std::string driver;
    int result = 0;  ///< of check_monitor()
};

/// Why Idle::Umwait is not available, and what is; empty: it is available. Pure.
std::optional<std::string> umwait_problem(const engine::MonitorSupport& cpu,
                                          const std::vector<PortMonitor>& ports);

/// Throws StartupError. The ports must be started; main lcore.
void require_idle_support(engine::Idle idle, const dpdk::Ports& ports);

}  // namespace l2echo::server
