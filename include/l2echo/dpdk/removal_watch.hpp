// Detects that a port's device is removed while in use: hot-unplug, a removed VF, a deleted kernel interface.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

struct rte_intr_handle;

namespace l2echo::machine {
class InterfaceWatch;
}

namespace l2echo::dpdk {

/// Created for a configured port. VFIO requests the release of its device and waits for it
/// (pci_vfio_req_handler in DPDK's PCI bus). Drivers that share the device with the kernel raise
/// RTE_ETH_EVENT_INTR_RMV instead. Ports on a kernel interface raise no event, so netlink reports their
/// removal.
class RemovalWatch {
  public:
    explicit RemovalWatch(std::uint16_t port);
    ~RemovalWatch();
    RemovalWatch(const RemovalWatch&) = delete;
    RemovalWatch& operator=(const RemovalWatch&) = delete;

    bool removed() const noexcept {
        return removed_.load(std::memory_order_relaxed);
    }  ///< callable from any thread

  private:
    void watch_interfaces();
    static void on_interface_event(void* watch);

    std::uint16_t port_;
    std::string device_;
    std::unique_ptr<machine::InterfaceWatch> interfaces_;  ///< null: the port has no kernel interface
    std::unique_ptr<rte_intr_handle, void (*)(rte_intr_handle*)> readable_;
    std::atomic<bool> removed_{false};  ///< set by the EAL interrupt thread, never cleared
};

}  // namespace l2echo::dpdk
