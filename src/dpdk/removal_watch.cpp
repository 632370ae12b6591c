#include "l2echo/dpdk/removal_watch.hpp"

#include <fmt/format.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <cerrno>
#include <thread>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Closing a port from the interrupt thread would deadlock in the drivers: only note it here.
void note(void* removed) {
    static_cast<std::atomic<bool>*>(removed)->store(true, std::memory_order_relaxed);
}

void on_device_event(const char*, rte_dev_event_type event, void* removed) {
    if (event == RTE_DEV_EVENT_REMOVE)
        note(removed);
}

int on_port_event(std::uint16_t, rte_eth_event_type, void* removed, void*) {
    note(removed);
    return 0;
}

std::string device_of(std::uint16_t port) {
    rte_eth_dev_info info{};
    throw_if_failed(rte_eth_dev_info_get(port, &info),
                    fmt::format("{}: rte_eth_dev_info_get", port_label(port)));
    return info.device != nullptr ? rte_dev_name(info.device) : "";
}

}  // namespace

RemovalWatch::RemovalWatch(std::uint16_t port) : port_(port), device_(device_of(port)) {
    throw_if_failed(rte_dev_event_callback_register(device_.c_str(), on_device_event, &removed_),
                    fmt::format("{}: rte_dev_event_callback_register", port_label(port)));
    throw_if_failed(rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, on_port_event, &removed_),
                    fmt::format("{}: rte_eth_dev_callback_register", port_label(port)));
}

RemovalWatch::~RemovalWatch() {
    rte_eth_dev_callback_unregister(port_, RTE_ETH_EVENT_INTR_RMV, on_port_event, &removed_);
    while (rte_dev_event_callback_unregister(device_.c_str(), on_device_event, &removed_) == -EAGAIN)
        std::this_thread::yield();  // it runs right now, and is short
}

}  // namespace l2echo::dpdk
