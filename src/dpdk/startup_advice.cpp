#include "dpdk/startup_advice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>

#include "l2echo/dpdk/result.hpp"

namespace l2echo::dpdk {
namespace {

bool has_option(const std::vector<std::string>& arguments, const std::string& name) {
    return std::find(arguments.begin(), arguments.end(), name) != arguments.end();
}

}  // namespace

std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments) {
    std::vector<std::string> names;
    for (const std::string& device : vdev_arguments(eal_arguments))
        names.push_back(device.substr(0, device.find(',')));
    return names;
}

std::vector<std::string> vdev_arguments(const std::vector<std::string>& eal_arguments) {
    constexpr std::string_view kOption = "--vdev";
    std::vector<std::string> devices;
    for (std::size_t i = 0; i < eal_arguments.size(); ++i) {
        std::string device;
        if (eal_arguments[i] == kOption && i + 1 < eal_arguments.size())
            device = eal_arguments[i + 1];
        else if (eal_arguments[i].starts_with(std::string(kOption) + "="))
            device = eal_arguments[i].substr(kOption.size() + 1);
        if (!device.empty())
            devices.push_back(device);
    }
    return devices;
}

std::string explain_eal_failure(const std::vector<std::string>& eal_arguments, int error,
                                const machine::HostLimits& host) {
    const bool wants_hugepages = !has_option(eal_arguments, "--no-huge");
    std::string why;
    if (error == EINVAL)
        why = "it does not accept its arguments (see above); EAL options come before --, ours after it";
    else if (error == ENODEV)
        why = fmt::format(
            "it knows no driver for a device asked for ({}); check its name, and that DPDK's drivers are "
            "installed",
            fmt::join(requested_vdevs(eal_arguments), " "));
    else if (error == EALREADY || error == 0)
        why =
            "its run-time files are taken, most likely by another DPDK process; stop that one, or give this "
            "one a "
            "name of its own with --file-prefix NAME";
    else if (wants_hugepages && host.hugepages_reserved == 0)
        why =
            "no hugepages are reserved; type: sudo dpdk-hugepages.py --reserve 512M --mount (or, to try "
            "without, add --no-huge -m 256)";
    else if (!host.root)
        why = fmt::format("{}; type it with sudo, or give the user the hugepages and devices",
                          reason_of(error));
    else if (wants_hugepages && host.hugepages_free == 0)
        why =
            "all hugepages are in use; type: sudo dpdk-hugepages.py --show, then stop the user or reserve "
            "more";
    else
        why = fmt::format("{}; its own lines above say more", reason_of(error));
    return fmt::format("EAL did not start: {}", why);
}

std::string explain_no_ports(const std::vector<std::string>& eal_arguments, const machine::HostLimits& host,
                             const std::vector<machine::PciNic>& nics) {
    const std::vector<std::string> vdevs = requested_vdevs(eal_arguments);
    if (!vdevs.empty())
        return fmt::format("no port: EAL could not create {} (its lines above say why){}",
                           fmt::join(vdevs, " "),
                           host.root ? "" : "; a kernel-backed device needs root: type it with sudo");
    if (!nics.empty() && !has_option(eal_arguments, "--no-pci"))
        return fmt::format("no port: {}{}", machine::explain_unused_nics(nics),
                           host.root ? "" : " (and this is not root: type it with sudo)");
    return fmt::format(
        "no port: EAL found no NIC bound to a DPDK driver{}; bind one (dpdk-devbind.py --status, then "
        "--bind=vfio-pci ADDRESS) or try without a NIC: --vdev=net_tap0",
        host.root ? "" : " (and this is not root: type it with sudo)");
}

}  // namespace l2echo::dpdk
