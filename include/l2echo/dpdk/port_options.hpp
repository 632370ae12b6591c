// Port options, the same in all programs.
#pragma once

#include <chrono>

#include "l2echo/cli/option_table.hpp"
#include "l2echo/dpdk/port_plan.hpp"

namespace l2echo::dpdk {

inline constexpr std::chrono::milliseconds kDefaultLinkWait{9000};  ///< the same as testpmd

void add_port_options(cli::OptionTable& table, PortRequest& request, std::chrono::milliseconds& link_wait);

}  // namespace l2echo::dpdk
