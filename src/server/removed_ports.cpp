#include "l2echo/server/removed_ports.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "l2echo/dpdk/log.hpp"

namespace l2echo::server {
namespace {

/// A worker responds within one iteration. If it takes longer (on a stalled machine), the next call tries
/// again.
constexpr std::chrono::milliseconds kPatience{100};

}  // namespace

void give_up_removed_ports(dpdk::Ports& ports, engine::WorkerGroup& workers, process::StopSignal& stop) {
    std::vector<dpdk::Port*> unpolled;
    for (dpdk::Port& port : ports)
        if (port.removed() && !port.given_up() && workers.stop_polling(port.id(), kPatience))
            unpolled.push_back(&port);
    for (dpdk::Port* port : unpolled) {
        port->give_up();
        const auto left =
            std::ranges::count_if(ports, [](const dpdk::Port& other) { return !other.given_up(); });
        dpdk::log_warning(
            fmt::format("Port {}: {} was removed; {}", port->id(), port->name(),
                        left == 0 ? "no port is left, stopping"
                                  : fmt::format("continuing with {} port{}", left, left == 1 ? "" : "s")));
        if (left == 0)
            stop.request();
    }
}

void throw_if_removed(const dpdk::Ports& ports) {
    std::vector<std::string> names;
    for (const dpdk::Port& port : ports)
        if (port.removed())
            names.push_back(fmt::format("port {} ({})", port.id(), port.name()));
    if (!names.empty())
        throw std::runtime_error(
            fmt::format("{} was removed while running, what it received until then was echoed; "
                        "when the NIC is back and bound, or the kernel's interface is back, start again",
                        fmt::join(names, ", ")));
}

}  // namespace l2echo::server
