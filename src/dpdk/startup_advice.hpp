// Explains why EAL did not start, found no port or did not start one, and what to type.
#pragma once

#include <string>
#include <vector>

#include "dpdk/startup_failures.hpp"
#include "l2echo/machine/pci_nic.hpp"

namespace l2echo::dpdk {

/// Returns the names of the devices that EAL creates for --vdev, without arguments.
std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments);

/// Same, with arguments: "net_tap0,iface=tap0".
std::vector<std::string> vdev_arguments(const std::vector<std::string>& eal_arguments);

/// EAL gives a vdev to a driver whose name the vdev's name begins with, so net_tapp0 would be a tap. Returns
/// one line on that if a letter follows the driver's name (with its prefix net_, eth_ or none); empty: the
/// name is right.
std::string explain_misread_vdev(const std::string& name, const std::string& driver);

/// Returns one line on why EAL did not start. `failed.error` is rte_errno after rte_eal_init().
std::string explain_eal_failure(const FailedStart& failed);

/// Returns one line on why the --vdev devices in `failed.missing`, at least one, do not exist.
std::string explain_missing_device(const FailedStart& failed);

/// Returns one line on what to type if EAL started but found no port among these NICs. `failed.missing` lists
/// all vdevs.
std::string explain_no_ports(const FailedStart& failed, const std::vector<machine::PciNic>& nics);

/// Returns one line on why a call for a port failed: "port 0 (net_tap0): rte_eth_dev_start: ...".
std::string explain_port_failure(const std::string& call, const FailedStart& failed);

/// Returns text to append to "link is down" for such a device, including the separator; empty: none.
std::string advice_for_link_down(const std::string& driver, const std::string& device_arguments);

}  // namespace l2echo::dpdk
