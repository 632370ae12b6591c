// Compares the CPUs in EAL's options with those that the process may use, before EAL starts: EAL's own error
// for a CPU outside the cpuset does not mention the cpuset.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/machine/cpu_set.hpp"

namespace l2echo::dpdk {

/// Parses the CPUs of an EAL lcore list, such as "0-3" or "0@0,1@0,(2,3)@(4-7)". Empty if it does not parse:
/// EAL reports why.
std::optional<machine::CpuSet> parse_lcore_list(std::string_view list);

/// Parses the CPUs of a hexadecimal EAL core mask, with or without 0x.
std::optional<machine::CpuSet> parse_core_mask(std::string_view mask);

/// The -l, --lcores or -c option among EAL's arguments, as typed, and the CPUs in it.
struct LcoreOption {
    std::string typed;
    machine::CpuSet cpus;
};
std::optional<LcoreOption> find_lcore_option(const std::vector<std::string>& eal_arguments);

/// Throws StartupError, with both sets and what to type, if the EAL arguments select a CPU that is not
/// allowed.
void check_cpus(const std::vector<std::string>& eal_arguments, const machine::CpuSet& allowed);

}  // namespace l2echo::dpdk
