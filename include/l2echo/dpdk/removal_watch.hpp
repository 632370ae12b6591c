// Notices that a port's device is taken away while it is in use: hot-unplug, a VF that is withdrawn.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace l2echo::dpdk {

/// Made for a configured port. VFIO asks for its device back and waits until it gets it (pci_vfio_req_handler
/// in DPDK's PCI bus); drivers that share the device with the kernel raise RTE_ETH_EVENT_INTR_RMV instead.
class RemovalWatch {
  public:
    explicit RemovalWatch(std::uint16_t port);
    ~RemovalWatch();
    RemovalWatch(const RemovalWatch&) = delete;
    RemovalWatch& operator=(const RemovalWatch&) = delete;

    bool removed() const noexcept { return removed_.load(std::memory_order_relaxed); }  ///< from any thread

  private:
    std::uint16_t port_;
    std::string device_;
    std::atomic<bool> removed_{false};  ///< set by the EAL interrupt thread, never cleared
};

}  // namespace l2echo::dpdk
