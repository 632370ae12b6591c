#include "server/idle_support.hpp"

#include <fmt/format.h>

#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::server {

std::optional<std::string> umwait_problem(const engine::MonitorSupport& cpu,
                                          const std::vector<PortMonitor>& ports) {
    constexpr const char* kInstead = "take --idle pause or --idle sleep";
    if (!cpu.one_queue)
        return fmt::format(
            "--idle umwait: this CPU has no instruction for it that DPDK can use (WAITPKG on x86); {}",
            kInstead);
    if (ports.size() > 1 && !cpu.several_queues)
        return fmt::format(
            "--idle umwait: this CPU waits for one queue at a time (x86 needs RTM for more), "
            "and each worker has {}, one of each port; name one in --ports, or {}",
            ports.size(), kInstead);
    for (const PortMonitor& port : ports)
        if (port.result != 0)
            return fmt::format(
                "--idle umwait: {}: driver {} does not support rte_eth_get_monitor_addr: {}; {}", port.port,
                port.driver, dpdk::reason_of(port.result), kInstead);
    return std::nullopt;
}

void require_idle_support(engine::Idle idle, const dpdk::Ports& ports) {
    if (idle != engine::Idle::Umwait)
        return;
    std::vector<PortMonitor> monitors;
    for (const dpdk::Port& port : ports)
        monitors.push_back({dpdk::port_label(port.id()), port.driver(), engine::check_monitor(port.id(), 0)});
    if (const auto problem = umwait_problem(engine::read_monitor_support(), monitors))
        throw process::StartupError(*problem);
}

}  // namespace l2echo::server
