// CPU quota of this process's cgroups.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace l2echo::machine {

/// Parses cpu.max of cgroup v2 into a number of CPUs ("200000 100000" is 2.0); empty for "max ...".
std::optional<double> parse_cpu_max(std::string_view text);

/// Returns the lowest CPU quota among this process's cgroups (v2 and v1); empty if there is none.
std::optional<double> read_cpu_quota();

/// Returns a warning if the quota would throttle `polling_lcores`.
std::optional<std::string> quota_warning(std::optional<double> quota, unsigned polling_lcores);

}  // namespace l2echo::machine
