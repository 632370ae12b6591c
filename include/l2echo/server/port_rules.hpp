// The wire rules of a port.
#pragma once

#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/wire_rules.hpp"

namespace l2echo::server {

/// Whether frames from our own MACs are refused on this port. Not on net_tap: its kernel end has the port's
/// own MAC, so the rule would refuse everything that the kernel sends.
bool has_loop_rule(const dpdk::Port& port);

/// Whether loop checks say something on this port. Not on net_null: its frames are what its mbufs happen to
/// hold, our last check among them.
bool has_loop_check(const dpdk::Port& port);

/// What was asked for, with what is the port's own; `own_macs` of all our ports.
echo::WireRules rules_for(const dpdk::Port& port, const std::vector<wire::MacAddress>& own_macs,
                          const echo::WireRules& wanted);

}  // namespace l2echo::server
