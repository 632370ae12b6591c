#include "l2echo/dpdk/version.hpp"

#include <fmt/format.h>
#include <rte_version.h>

namespace l2echo::dpdk {

std::string version_text() {
    return fmt::format("l2echo {}, {}", L2ECHO_VERSION, rte_version());
}

}  // namespace l2echo::dpdk
