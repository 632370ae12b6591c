#include "dpdk/port_interfaces.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>

#include <array>
#include <memory>
#include <string_view>

#include "l2echo/dpdk/result.hpp"

namespace l2echo::dpdk {

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
    rte_eth_dev_info info{};
    throw_if_failed(rte_eth_dev_info_get(port, &info), fmt::format("port {}: rte_eth_dev_info_get", port));
    const std::string_view driver = info.driver_name;
    const rte_devargs* given = info.device != nullptr ? rte_dev_devargs(info.device) : nullptr;
    const std::string arguments = given != nullptr && given->args != nullptr ? given->args : "";
    if (driver == "net_tap")
        return interfaces_in(arguments, {"remote"});
    if (driver == "net_pcap")
        return interfaces_in(arguments, {"iface", "rx_iface", "rx_iface_in", "tx_iface"});
    std::array<char, IF_NAMESIZE> name{};
    if (info.if_index == 0 || if_indextoname(info.if_index, name.data()) == nullptr)
        return {};
    return {name.data()};
}

}  // namespace l2echo::dpdk
