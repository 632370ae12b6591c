#include "l2echo/dpdk/result.hpp"

#include <fmt/format.h>
#include <rte_errno.h>

#include <cstdlib>

namespace l2echo::dpdk {

std::string reason_of(int dpdk_result) {
    return dpdk_result == -1 ? "failed, or not permitted" : rte_strerror(std::abs(dpdk_result));
}

CallFailed::CallFailed(const std::string& call, int dpdk_result)
    : StartupError(fmt::format("{}: {}", call, reason_of(dpdk_result))), call_(call), result_(dpdk_result) {}

void throw_if_failed(int dpdk_result, const std::string& what) {
    if (dpdk_result < 0)
        throw CallFailed(what, dpdk_result);
}

}  // namespace l2echo::dpdk
