// Sets of CPUs, and the one that this process may run on.
#pragma once

#include <set>
#include <string>

namespace l2echo::machine {

using CpuSet = std::set<int>;

/// "0-3,6"; "none" when empty.
std::string format_cpus(const CpuSet& cpus);

/// The CPUs that this process may run on: cpuset and affinity together. Throws StartupError.
CpuSet allowed_cpus();

}  // namespace l2echo::machine
