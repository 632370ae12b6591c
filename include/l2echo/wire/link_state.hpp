// Link state of a port as a plain value.
#pragma once

#include <cstdint>

namespace l2echo::wire {

struct LinkState {
    bool up = false;
    std::uint32_t speed_mbps = 0;  ///< 0: unknown
    bool full_duplex = false;
    std::uint64_t changes = 0;  ///< changes since the port started; counts only those that the driver reports
};

}  // namespace l2echo::wire
