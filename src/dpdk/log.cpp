#include "l2echo/dpdk/log.hpp"

#include <rte_log.h>

RTE_LOG_REGISTER(l2echo_logtype, l2echo, INFO)

namespace l2echo::dpdk {

void log_line(const std::string& text) {
    rte_log(RTE_LOG_INFO, static_cast<std::uint32_t>(l2echo_logtype), "L2ECHO: %s\n", text.c_str());
}

void log_warning(const std::string& text) {
    rte_log(RTE_LOG_WARNING, static_cast<std::uint32_t>(l2echo_logtype), "L2ECHO: warning: %s\n",
            text.c_str());
}

}  // namespace l2echo::dpdk
