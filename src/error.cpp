#include "l2echo/error.hpp"

#include <rte_errno.h>

#include <cstdlib>

namespace l2echo {

std::string reason_of(int dpdk_result) {
    return rte_strerror(std::abs(dpdk_result));
}

void throw_if_failed(int dpdk_result, const std::string& what) {
    if (dpdk_result < 0)
        throw StartupError(fmt::format("{}: {}", what, reason_of(dpdk_result)));
}

}  // namespace l2echo
