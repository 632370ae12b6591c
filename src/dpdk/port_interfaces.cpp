#include "dpdk/port_interfaces.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "dpdk/startup_advice.hpp"
#include "l2echo/dpdk/port.hpp"
#include "l2echo/dpdk/result.hpp"
#include "l2echo/machine/interface_claim.hpp"
#include "l2echo/machine/link.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

struct PortDevice {
    std::string driver;
    std::string arguments;  ///< device arguments: "iface=eth0"
    std::string interface;  ///< as the driver reports it; empty: not reported
};

PortDevice device_of(std::uint16_t port) {
    rte_eth_dev_info info{};
    throw_if_failed(rte_eth_dev_info_get(port, &info), fmt::format("port {}: rte_eth_dev_info_get", port));
    PortDevice device{.driver = info.driver_name, .arguments = {}, .interface = {}};
    const rte_devargs* given = info.device != nullptr ? rte_dev_devargs(info.device) : nullptr;
    if (given != nullptr && given->args != nullptr)
        device.arguments = given->args;
    std::array<char, IF_NAMESIZE> name{};
    if (info.if_index != 0 && if_indextoname(info.if_index, name.data()) != nullptr)
        device.interface = name.data();
    return device;
}

}  // namespace

std::vector<std::string> interfaces_in(const std::string& device_arguments,
                                       const std::vector<std::string>& keys) {
    const std::unique_ptr<rte_kvargs, decltype(&rte_kvargs_free)> arguments(
        rte_kvargs_parse(device_arguments.c_str(), nullptr), rte_kvargs_free);
    std::vector<std::string> found;
    const auto take = [](const char*, const char* value, void* interfaces) {
        if (value != nullptr)
            static_cast<std::vector<std::string>*>(interfaces)->emplace_back(value);
        return 0;
    };
    for (const std::string& key : keys)
        if (arguments)
            rte_kvargs_process(arguments.get(), key.c_str(), take, &found);
    return found;
}

std::string driver_of(std::uint16_t port) {
    rte_eth_dev_info info{};
    return rte_eth_dev_info_get(port, &info) == 0 ? info.driver_name : "";
}

std::vector<std::string> kernel_interfaces_of(std::uint16_t port) {
    const PortDevice device = device_of(port);
    if (device.driver == "net_tap")
        return interfaces_in(device.arguments, {"remote"});
    if (device.driver == "net_pcap")
        return interfaces_in(device.arguments, {"iface", "rx_iface", "rx_iface_in", "tx_iface"});
    return device.interface.empty() ? std::vector<std::string>{} : std::vector{device.interface};
}

std::string own_interface_of(std::uint16_t port) {
    return device_of(port).interface;
}

std::vector<std::string> capture_files_of(std::uint16_t port) {
    const PortDevice device = device_of(port);
    return device.driver == "net_pcap" ? interfaces_in(device.arguments, {"rx_pcap"})
                                       : std::vector<std::string>{};
}

std::vector<process::FileDescriptor> claim_interfaces(std::uint16_t port) {
    const PortDevice device = device_of(port);
    std::vector<std::string> interfaces;
    if (device.driver == "net_pcap")
        interfaces = interfaces_in(device.arguments, {"iface", "rx_iface", "rx_iface_in"});
    else if (device.driver == "net_af_packet")
        interfaces = {device.interface};
    // A port may have several queues on one interface.
    const std::set<std::string> each(interfaces.begin(), interfaces.end());
    std::vector<process::FileDescriptor> claims;
    for (const std::string& interface : each) {
        try {
            claims.push_back(machine::claim_interface(interface));
        } catch (const process::StartupError& error) {
            throw process::StartupError(fmt::format("{}: {}", port_label(port), error.what()));
        }
    }
    return claims;
}

std::vector<std::string> wires_of(std::uint16_t port) {
    // mlx5 and similar drivers share a NIC with the kernel, but raise RTE_ETH_EVENT_INTR_RMV.
    constexpr std::array<std::string_view, 4> kKernelWired{"net_af_packet", "net_af_xdp", "net_pcap",
                                                           "net_tap"};
    const PortDevice device = device_of(port);
    if (device.driver == "net_virtio_user")
        return interfaces_in(device.arguments, {"iface"});
    if (std::ranges::find(kKernelWired, device.driver) == kKernelWired.end())
        return {};
    std::vector<std::string> wires = kernel_interfaces_of(port);
    if (device.driver == "net_tap" && !device.interface.empty())
        wires.push_back(device.interface);
    return wires;
}

void refuse_empty_values(const std::vector<std::string>& eal_arguments) {
    for (const std::string& device : vdev_arguments(eal_arguments)) {
        std::istringstream arguments(device);
        for (std::string argument; std::getline(arguments, argument, ',');)
            if (argument.ends_with('='))
                throw process::UsageError(fmt::format("--vdev {}: {} is empty", device, argument));
    }
}

void refuse_taps_in_use(const std::vector<std::string>& eal_arguments) {
    for (const std::string& device : vdev_arguments(eal_arguments)) {
        const std::size_t comma = std::min(device.find(','), device.size());
        const std::string name = device.substr(0, comma);
        if (!name.starts_with("net_tap") && !name.starts_with("net_tun") &&
            !name.starts_with("net_virtio_user"))
            continue;
        for (const std::string& interface :
             interfaces_in(device.substr(std::min(comma + 1, device.size())), {"iface"}))
            if (const auto link = machine::find_link(interface); link && link->attached_queues > 0)
                throw process::StartupError(
                    fmt::format("{}: another process has {} open, and each would get a part of the flows; "
                                "stop that one, or give another name: --vdev={},iface=NAME",
                                name, interface, name));
    }
}

}  // namespace l2echo::dpdk
