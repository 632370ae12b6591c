// Why EAL did not start or found no port, and what to type.
#pragma once

#include <string>
#include <vector>

#include "l2echo/machine/host_limits.hpp"
#include "l2echo/machine/pci_nic.hpp"

namespace l2echo::dpdk {

/// Names of the devices that EAL is told to create with --vdev, without their arguments.
std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments);

/// The same with their arguments: "net_tap0,iface=tap0".
std::vector<std::string> vdev_arguments(const std::vector<std::string>& eal_arguments);

/// One line on why EAL did not start: `error` is rte_errno after rte_eal_init(). EAL's own lines come before
/// it.
std::string explain_eal_failure(const std::vector<std::string>& eal_arguments, int error,
                                const machine::HostLimits& host);

/// One line on what to type when EAL started and found no port among these NICs.
std::string explain_no_ports(const std::vector<std::string>& eal_arguments, const machine::HostLimits& host,
                             const std::vector<machine::PciNic>& nics);

}  // namespace l2echo::dpdk
