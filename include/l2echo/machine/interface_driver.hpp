// Which driver of the kernel is behind an interface.
#pragma once

#include <string>

namespace l2echo::machine {

/// "veth", "ixgbe"; empty: it does not tell, or there is no such interface in this network namespace.
std::string interface_driver(const std::string& interface);

}  // namespace l2echo::machine
