// What the machine provides to this process: hugepages, privileges, and access to /sys and /dev.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <string>

namespace l2echo::machine {

struct HostLimits {
    std::uint64_t hugepages_reserved = 0;
    std::uint64_t hugepages_free = 0;
    std::string hugetlbfs{};  ///< mount point of the first hugetlbfs; empty: not mounted
    bool root = false;
    std::uint64_t capabilities = 0;  ///< effective capabilities, one bit per CAP_ number
    bool sysfs = true;               ///< /sys lists the CPUs
    bool tun_device = true;          ///< /dev/net/tun exists

    /// True if the process has the capability, a constant of linux/capability.h such as CAP_NET_ADMIN.
    bool may(unsigned capability) const noexcept { return (capabilities >> capability & 1) != 0; }
};
HostLimits read_host_limits();

}  // namespace l2echo::machine
