// Which CPUs EAL's options name and which the process may use, compared before EAL starts: EAL's own error
// for a CPU outside of the cpuset does not say so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/machine/cpu_set.hpp"

namespace l2echo::dpdk {

/// The CPUs of an EAL lcore list, such as "0-3" or "0@0,1@0,(2,3)@(4-7)". None when it does not parse: EAL
/// will say why.
std::optional<machine::CpuSet> parse_lcore_list(std::string_view list);

/// The CPUs of an EAL core mask in hexadecimal, with or without 0x.
std::optional<machine::CpuSet> parse_core_mask(std::string_view mask);

/// The -l, --lcores or -c option among EAL's arguments, as typed, and the CPUs that it names.
struct LcoreOption {
    std::string typed;
    machine::CpuSet cpus;
};
std::optional<LcoreOption> find_lcore_option(const std::vector<std::string>& eal_arguments);

/// Throws StartupError, naming both sets and what to type, when EAL would be told to use a CPU that is not
/// allowed.
void check_cpus(const std::vector<std::string>& eal_arguments, const machine::CpuSet& allowed);

}  // namespace l2echo::dpdk
