// The failures at start that are known: how each shows, what it means, and what to do. docs/host-setup.md has
// the same table for the reader.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/machine/host_limits.hpp"

namespace l2echo::dpdk {

/// Which step failed.
enum class Step {
    Eal,      ///< rte_eal_init()
    Devices,  ///< EAL started, without a device that was asked for
    Port,     ///< a port is there and cannot be configured or started
};

struct FailedStart {
    Step step = Step::Eal;
    std::vector<std::string> eal_arguments{};
    int error = 0;       ///< an errno value; 0: not told
    std::string said{};  ///< the warnings and errors that EAL and the drivers logged, in lines
    std::vector<std::string> missing{};  ///< devices asked for and not there
    std::string driver{};                ///< of the port, for Step::Port
    machine::HostLimits host{};

    bool has_option(std::string_view name) const;  ///< among EAL's, as "NAME" or "NAME=VALUE"
    bool wants_hugepages() const { return !has_option("--no-huge"); }
    /// Whether it is about a device whose driver's name begins so.
    bool is_about(std::string_view driver_name) const;
};

struct KnownFailure {
    Step step;
    std::string_view driver;            ///< which the failure is about; empty: any
    std::string_view said;              ///< found in a line of the log (ECMAScript); empty: any
    bool (*holds)(const FailedStart&);  ///< what else is so; nullptr: nothing
    std::string_view cause;             ///< {1} and {2}: what the groups of `said` matched
    std::string_view remedy;
};

/// In the order in which they are tried.
std::span<const KnownFailure> known_failures();

/// "<cause>; <remedy>" of the first that fits; empty: none does.
std::string explain_known(const FailedStart& failed);

}  // namespace l2echo::dpdk
