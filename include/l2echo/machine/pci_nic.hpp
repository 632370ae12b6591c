// NICs on the PCI bus as the kernel lists them, to explain why DPDK uses none of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace l2echo::machine {

struct PciNic {
    std::string address;          ///< "0000:01:00.0"
    std::string driver;           ///< the driver that it is bound to; empty: none
    std::string interface;        ///< interface of that driver; empty: none
    std::string reason_to_leave;  ///< what the kernel needs the interface for; empty: nothing
    bool has_iommu = false;       ///< vfio-pci binds only with an IOMMU
    /// PCI addresses of the devices in its IOMMU group whose drivers keep VFIO from using the group.
    std::vector<std::string> blockers;
};

/// Returns the NICs in address order; empty if the folder does not exist. Does not fill in reason_to_leave.
std::vector<PciNic> read_pci_nics(const std::filesystem::path& devices = "/sys/bus/pci/devices");

/// Returns why EAL used none of them and what to type, without a full stop; empty if there are none.
std::string explain_unused_nics(const std::vector<PciNic>& nics);

}  // namespace l2echo::machine
