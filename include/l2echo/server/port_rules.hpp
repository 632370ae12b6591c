// What the wire rules and loop checks must know of a port.
#pragma once

#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/rules.hpp"

namespace l2echo::server {

/// Whether frames from our own MACs are refused on this port. Not on net_tap: its kernel end has the port's
/// own MAC, so the rule would refuse everything that the kernel sends.
bool has_loop_rule(const dpdk::Port& port);

/// Whether loop checks say something on this port. Not on net_null: its frames are what its mbufs happen to
/// hold, our last check among them.
bool has_loop_check(const dpdk::Port& port);

/// `own_macs` of all our ports.
echo::RulesPort describe_for_rules(const dpdk::Port& port, const std::vector<wire::MacAddress>& own_macs);

}  // namespace l2echo::server
