// What the machine or container sets aside for us: CPU quota, hugepages, privileges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/device/pci_nic.hpp"

namespace l2echo {

/// CPUs' worth of time from cgroup v2's cpu.max ("200000 100000" is 2.0); none for "max ...".
std::optional<double> parse_cpu_max(std::string_view text);

/// The tightest CPU quota among this process's cgroups (v2 and v1); none when there is none.
std::optional<double> read_cpu_quota();

/// A warning when `polling_lcores` would be throttled by the quota.
std::optional<std::string> quota_warning(std::optional<double> quota, unsigned polling_lcores);

struct HostLimits {
    std::uint64_t hugepages_reserved = 0;
    std::uint64_t hugepages_free = 0;
    bool root = false;
};
HostLimits read_host_limits();

/// Names of the devices that EAL is told to create with --vdev, without their arguments.
std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments);

/// One line on why EAL did not start: `error` is rte_errno after rte_eal_init(). EAL's own lines come before
/// it.
std::string explain_eal_failure(const std::vector<std::string>& eal_arguments, int error,
                                const HostLimits& host);

/// One line on what to type when EAL started and found no port among these NICs.
std::string explain_no_ports(const std::vector<std::string>& eal_arguments, const HostLimits& host,
                             const std::vector<PciNic>& nics);

}  // namespace l2echo
