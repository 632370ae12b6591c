// What the machine sets aside for us: hugepages, privileges, and what of /sys and /dev is there.
#pragma once

#include <linux/capability.h>

#include <cstdint>
#include <string>

namespace l2echo::machine {

struct HostLimits {
    std::uint64_t hugepages_reserved = 0;
    std::uint64_t hugepages_free = 0;
    std::string hugetlbfs{};  ///< where the first is mounted; empty: nowhere
    bool root = false;
    std::uint64_t capabilities = 0;  ///< in force, a bit for each CAP_ number
    bool sysfs = true;               ///< /sys shows the CPUs
    bool tun_device = true;          ///< /dev/net/tun is there

    /// `capability` is one of linux/capability.h, such as CAP_NET_ADMIN.
    bool may(unsigned capability) const noexcept { return (capabilities >> capability & 1) != 0; }
};
HostLimits read_host_limits();

}  // namespace l2echo::machine
