#include "l2echo/machine/pci_nic.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string_view>

namespace l2echo::machine {
namespace {

namespace fs = std::filesystem;

/// The PCI class of network controllers, without its subclass.
constexpr std::string_view kNetworkClass = "0x02";

constexpr std::array<std::string_view, 3> kUserSpaceDrivers{"vfio-pci", "uio_pci_generic", "igb_uio"};

/// Drivers that other devices of an IOMMU group may have without blocking VFIO; a device without a driver
/// does not block it either (Documentation/driver-api/vfio.rst).
constexpr std::array<std::string_view, 3> kHarmlessInAGroup{"vfio-pci", "pci-stub", "pcieport"};

template <typename List>
bool contains(const List& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
}

std::string read_word(const fs::path& file) {
    std::string word;
    std::ifstream(file) >> word;
    return word;
}

/// Returns the name of the link's target; empty if there is no such link.
std::string name_behind(const fs::path& link) {
    std::error_code none;
    return fs::read_symlink(link, none).filename();
}

std::vector<fs::path> entries(const fs::path& folder) {
    std::error_code none;
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder, none))
        paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
}

/// Returns the interface of a device. That of a virtio NIC is below a child device: virtio0/net/eth0.
std::string interface_of(const fs::path& device) {
    std::vector<fs::path> folders = entries(device / "net");
    for (const fs::path& path : entries(device))
        if (path.filename().string().starts_with("virtio"))
            std::ranges::copy(entries(path / "net"), std::back_inserter(folders));
    return folders.empty() ? "" : folders.front().filename().string();
}

std::vector<std::string> blockers_of(const fs::path& device) {
    std::vector<std::string> blockers;
    for (const fs::path& member : entries(device / "iommu_group" / "devices")) {
        const std::string driver = name_behind(member / "driver");
        if (member.filename() != device.filename() && !driver.empty() && !contains(kHarmlessInAGroup, driver))
            blockers.push_back(member.filename());
    }
    return blockers;
}

std::string describe(const PciNic& nic) {
    return fmt::format("{} ({}{})", nic.address, nic.interface.empty() ? "" : nic.interface + ", ",
                       nic.driver.empty() ? "no driver" : "driver " + nic.driver);
}

std::string explain_bound(const PciNic& nic) {
    if (nic.driver == "vfio-pci" && !nic.blockers.empty())
        return fmt::format(
            "{} is bound to vfio-pci, but VFIO takes an IOMMU group as a whole, "
            "and {} is of the same group; type: sudo dpdk-devbind.py --bind=vfio-pci {}",
            nic.address, fmt::join(nic.blockers, ", "), fmt::join(nic.blockers, " "));
    return fmt::format(
        "{} is bound to {}, but EAL did not take it; "
        "its lines above say why (a driver that is not installed, -a or -b, access to /dev/vfio)",
        nic.address, nic.driver);
}

std::string explain_unbound(const std::vector<PciNic>& nics) {
    std::vector<std::string> all;
    for (const PciNic& nic : nics)
        all.push_back(describe(nic));
    const std::string found =
        fmt::format("no NIC is bound to a DPDK driver; there is {}", fmt::join(all, ", "));
    const auto free =
        std::ranges::find_if(nics, [](const PciNic& nic) { return nic.reason_to_leave.empty(); });
    if (free == nics.end())
        return fmt::format("{}, but the kernel needs it ({}): DPDK wants one of its own", found,
                           nics.front().reason_to_leave);
    if (!free->has_iommu)
        return fmt::format(
            "{}, and no IOMMU, so vfio-pci does not bind; switch it on (intel_iommu=on), or, "
            "at the price that the NIC can write to all memory, type: "
            "sudo modprobe uio_pci_generic && sudo dpdk-devbind.py --bind=uio_pci_generic {}",
            found, free->address);
    return fmt::format("{}; type: sudo dpdk-devbind.py --bind=vfio-pci {}", found, free->address);
}

}  // namespace

std::vector<PciNic> read_pci_nics(const fs::path& devices) {
    std::vector<PciNic> nics;
    for (const fs::path& device : entries(devices)) {
        if (!read_word(device / "class").starts_with(kNetworkClass))
            continue;
        std::error_code none;
        nics.push_back({device.filename(), name_behind(device / "driver"), interface_of(device), "",
                        fs::exists(device / "iommu_group", none), blockers_of(device)});
    }
    return nics;
}

std::string explain_unused_nics(const std::vector<PciNic>& nics) {
    if (nics.empty())
        return "";
    const auto bound =
        std::ranges::find_if(nics, [](const PciNic& nic) { return contains(kUserSpaceDrivers, nic.driver); });
    return bound != nics.end() ? explain_bound(*bound) : explain_unbound(nics);
}

}  // namespace l2echo::machine
