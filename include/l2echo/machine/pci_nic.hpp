// The NICs on the PCI bus as the kernel shows them, for telling why DPDK has none of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace l2echo::machine {

struct PciNic {
    std::string address;          ///< "0000:01:00.0"
    std::string driver;           ///< the kernel driver it is bound to; empty: none
    std::string interface;        ///< of that driver; empty: none
    std::string reason_to_leave;  ///< the kernel needs the interface for this; empty: it does not
    bool has_iommu = false;       ///< without, vfio-pci does not bind
    /// Addresses in its IOMMU group whose drivers keep VFIO from all of it.
    std::vector<std::string> blockers;
};

/// In the order of their addresses. A folder that is not there has none. Why an interface is to be left alone
/// is not looked up.
std::vector<PciNic> read_pci_nics(const std::filesystem::path& devices = "/sys/bus/pci/devices");

/// Why EAL took none of them and what to type, without a full stop; empty when there are none.
std::string explain_unused_nics(const std::vector<PciNic>& nics);

}  // namespace l2echo::machine
