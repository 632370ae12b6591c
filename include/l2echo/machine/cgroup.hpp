// The CPU time that this process's cgroups allow.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace l2echo::machine {

/// CPUs' worth of time from cgroup v2's cpu.max ("200000 100000" is 2.0); none for "max ...".
std::optional<double> parse_cpu_max(std::string_view text);

/// The tightest CPU quota among this process's cgroups (v2 and v1); none when there is none.
std::optional<double> read_cpu_quota();

/// A warning when `polling_lcores` would be throttled by the quota.
std::optional<std::string> quota_warning(std::optional<double> quota, unsigned polling_lcores);

}  // namespace l2echo::machine
