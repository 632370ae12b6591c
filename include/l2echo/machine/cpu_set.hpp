// CPU sets, and the CPUs that this process may use.
#pragma once

#include <set>
#include <string>

namespace l2echo::machine {

using CpuSet = std::set<int>;

/// Formats the set, such as "0-3,6"; "none" if it is empty.
std::string format_cpus(const CpuSet& cpus);

/// Returns the CPUs that both the cpuset and the affinity allow. Throws StartupError.
CpuSet allowed_cpus();

}  // namespace l2echo::machine
