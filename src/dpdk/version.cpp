#include "l2echo/dpdk/version.hpp"

#include <fmt/format.h>
#include <rte_version.h>

namespace l2echo::dpdk {

std::string own_version() {
    return L2ECHO_VERSION;
}

std::string version_text() {
    return fmt::format("l2echo {}, {}", own_version(), rte_version());
}

}  // namespace l2echo::dpdk
