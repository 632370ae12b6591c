// Why EAL did not start, found no port or did not start one, and what to type.
#pragma once

#include <string>
#include <vector>

#include "dpdk/startup_failures.hpp"
#include "l2echo/machine/pci_nic.hpp"

namespace l2echo::dpdk {

/// Names of the devices that EAL creates for --vdev, without their arguments.
std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments);

/// The same with their arguments: "net_tap0,iface=tap0".
std::vector<std::string> vdev_arguments(const std::vector<std::string>& eal_arguments);

/// One line on why EAL did not start: `error` is rte_errno after rte_eal_init().
std::string explain_eal_failure(const FailedStart& failed);

/// One line on why devices of --vdev are not there: those in `missing`, at least one.
std::string explain_missing_device(const FailedStart& failed);

/// One line on what to type when EAL started and found no port among these NICs; `missing` are all vdevs.
std::string explain_no_ports(const FailedStart& failed, const std::vector<machine::PciNic>& nics);

/// One line on why a call for a port failed: "port 0 (net_tap0): rte_eth_dev_start: ...".
std::string explain_port_failure(const std::string& call, const FailedStart& failed);

/// What is to follow "link is down" for such a device, from the blank on; empty: nothing.
std::string advice_for_link_down(const std::string& driver, const std::string& device_arguments);

}  // namespace l2echo::dpdk
