#include "l2echo/dpdk/result.hpp"

#include <fmt/format.h>
#include <rte_errno.h>

#include <cstdlib>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {

std::string reason_of(int dpdk_result) {
    return rte_strerror(std::abs(dpdk_result));
}

void throw_if_failed(int dpdk_result, const std::string& what) {
    if (dpdk_result < 0)
        throw process::StartupError(fmt::format("{}: {}", what, reason_of(dpdk_result)));
}

}  // namespace l2echo::dpdk
