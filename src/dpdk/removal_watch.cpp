#include "l2echo/dpdk/removal_watch.hpp"

#include <fmt/ranges.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>

#include <cerrno>
#include <thread>

#include "dpdk/port_interfaces.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/machine/interface_watch.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Only records the removal: closing a port on the interrupt thread would deadlock in the drivers.
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

std::string device_name(std::uint16_t port) {
    rte_eth_dev_info info{};
    throw_if_failed(rte_eth_dev_info_get(port, &info),
                    fmt::format("{}: rte_eth_dev_info_get", port_label(port)));
    return info.device != nullptr ? rte_dev_name(info.device) : "";
}

}  // namespace

RemovalWatch::RemovalWatch(std::uint16_t port)
    : port_(port), device_(device_name(port)), readable_(nullptr, rte_intr_instance_free) {
    throw_if_failed(rte_dev_event_callback_register(device_.c_str(), on_device_event, &removed_),
                    fmt::format("{}: rte_dev_event_callback_register", port_label(port)));
    throw_if_failed(rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RMV, on_port_event, &removed_),
                    fmt::format("{}: rte_eth_dev_callback_register", port_label(port)));
    watch_interfaces();
}

RemovalWatch::~RemovalWatch() {
    if (readable_)
        rte_intr_callback_unregister_sync(readable_.get(), on_interface_event, this);
    rte_eth_dev_callback_unregister(port_, RTE_ETH_EVENT_INTR_RMV, on_port_event, &removed_);
    while (rte_dev_event_callback_unregister(device_.c_str(), on_device_event, &removed_) == -EAGAIN)
        std::this_thread::yield();  // the callback is running, and is short
}

void RemovalWatch::watch_interfaces() {
    const std::vector<std::string> wires = wires_of(port_);
    if (wires.empty())
        return;
    interfaces_ = std::make_unique<machine::InterfaceWatch>(wires);
    readable_.reset(rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE));
    const std::string what = fmt::format("{}: watching {}", port_label(port_), fmt::join(wires, ", "));
    throw_if_failed(readable_ ? 0 : -ENOMEM, what);
    throw_if_failed(rte_intr_fd_set(readable_.get(), interfaces_->descriptor()), what);
    throw_if_failed(rte_intr_type_set(readable_.get(), RTE_INTR_HANDLE_EXT), what);
    throw_if_failed(rte_intr_callback_register(readable_.get(), on_interface_event, this), what);
}

void RemovalWatch::on_interface_event(void* watch) {
    auto& self = *static_cast<RemovalWatch*>(watch);
    if (self.interfaces_->is_one_gone())
        note(&self.removed_);
}

}  // namespace l2echo::dpdk
