// What the machine sets aside for us: hugepages and privileges.
#pragma once

#include <cstdint>

namespace l2echo::machine {

struct HostLimits {
    std::uint64_t hugepages_reserved = 0;
    std::uint64_t hugepages_free = 0;
    bool root = false;
};
HostLimits read_host_limits();

}  // namespace l2echo::machine
