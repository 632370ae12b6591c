// Properties of a port that the wire rules and loop checks need.
#pragma once

#include <vector>

#include "l2echo/dpdk/port.hpp"
#include "l2echo/echo/rules.hpp"

namespace l2echo::server {

/// True if frames from our own MACs are refused on this port. False for net_tap: its kernel interface has the
/// port's own MAC, so the rule would refuse everything that the kernel sends.
bool has_loop_rule(const dpdk::Port& port);

/// True if loop checks are meaningful on this port. False for net_null: its frames are leftovers in its
/// mbufs, which may include our last check.
bool has_loop_check(const dpdk::Port& port);

/// Returns the port's properties for the rules. `own_macs` are the MACs of all our ports.
echo::RulesPort describe_for_rules(const dpdk::Port& port, const std::vector<wire::MacAddress>& own_macs);

}  // namespace l2echo::server
