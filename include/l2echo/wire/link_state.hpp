// The link of a port, as a plain value.
#pragma once

#include <cstdint>

namespace l2echo::wire {

struct LinkState {
    bool up = false;
    std::uint32_t speed_mbps = 0;  ///< 0: unknown
    bool full_duplex = false;
    std::uint64_t changes = 0;  ///< since the port started, as far as its driver reports them
};

}  // namespace l2echo::wire
