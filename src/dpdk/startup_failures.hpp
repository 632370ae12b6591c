// Known start-up failures: symptom, cause and remedy of each. docs/host-setup.md has the same table for
// users.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/machine/host_limits.hpp"

namespace l2echo::dpdk {

/// The step that failed.
enum class Step {
    Eal,      ///< rte_eal_init()
    Devices,  ///< EAL started, but without a requested device
    Port,     ///< a port exists but cannot be configured or started
};

struct FailedStart {
    Step step = Step::Eal;
    std::vector<std::string> eal_arguments{};
    int error = 0;                       ///< an errno value; 0: unknown
    std::string said{};                  ///< warnings and errors that EAL and the drivers logged, in lines
    std::vector<std::string> missing{};  ///< requested devices that do not exist
    std::string driver{};                ///< driver of the port, for Step::Port
    machine::HostLimits host{};

    bool has_option(std::string_view name) const;  ///< among EAL's arguments, as "NAME" or "NAME=VALUE"
    bool wants_hugepages() const { return !has_option("--no-huge"); }
    /// True if the failure is about a device whose driver name begins with `driver_name`.
    bool is_about(std::string_view driver_name) const;
};

struct KnownFailure {
    Step step;
    std::string_view driver;            ///< driver that the failure is about; empty: any
    std::string_view said;              ///< pattern found in a log line (ECMAScript); empty: any
    bool (*holds)(const FailedStart&);  ///< further condition; nullptr: none
    std::string_view cause;             ///< {1} and {2} stand for the matches of the groups of `said`
    std::string_view remedy;
};

/// Returns the known failures in the order in which they are tried.
std::span<const KnownFailure> known_failures();

/// Returns "<cause>; <remedy>" of the first one that matches; empty if none does.
std::string explain_known(const FailedStart& failed);

}  // namespace l2echo::dpdk
