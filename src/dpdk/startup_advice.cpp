#include "dpdk/startup_advice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <regex>
#include <sstream>

#include "dpdk/port_interfaces.hpp"
#include "l2echo/dpdk/result.hpp"

namespace l2echo::dpdk {
namespace {

/// Returns the values of an option given as "NAME VALUE" or "NAME=VALUE".
std::vector<std::string> values_of(const std::vector<std::string>& arguments, const std::string& name) {
    std::vector<std::string> values;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (arguments[i] == name && i + 1 < arguments.size())
            values.push_back(arguments[i + 1]);
        else if (arguments[i].starts_with(name + "="))
            values.push_back(arguments[i].substr(name.size() + 1));
    }
    return values;
}

/// True for lines with the step that failed but not the reason: EAL's last line, and those of a bus or a
/// port.
bool gives_no_reason(const std::string& line) {
    static const std::regex kSteps(
        "^(\\w+: )?(Invalid 'command line' arguments|Cannot (init|get|probe|scan|detect|set|clear) .*|"
        "Bus \\(.*\\) probe failed|.*failed to initialize .* device|.*Failed to create pmd for .*|rte_\\w+\\(\\) failed|Port\\d+ dev_configure = .*|"
        "Device with port_id=.*|No legacy callbacks.*|Failed to register mp action callback.*)");
    return std::regex_search(line.substr(0, 200), kSteps);
}

/// Returns the last line in which EAL or a driver logged a reason, without the name of the logging function;
/// empty if there is none. If several devices failed, considers only the lines about `device`.
std::string last_reason(const std::string& said, const std::string& device = "") {
    constexpr std::string_view kEnd = "failed to initialize ";
    std::string reason;
    std::istringstream lines(said);
    for (std::string line; std::getline(lines, line);) {
        if (const auto end = line.find(kEnd); end != std::string::npos && !device.empty()) {
            if (line.find(device + " ", end) != std::string::npos)
                break;
            reason.clear();
        }
        if (!line.empty() && !gives_no_reason(line))
            reason = line;
    }
    const auto colon = reason.find("(): ");
    if (colon != std::string::npos && reason.find(' ') > colon)
        reason.erase(0, colon + 4);
    if (reason.starts_with("EAL: "))
        reason.erase(0, 5);
    return reason;
}

/// Returns "0000:01:00.0" for "01:00.0,driver=arguments".
std::string full_address(std::string device) {
    device.resize(std::min(device.size(), device.find(',')));
    return std::ranges::count(device, ':') == 1 ? "0000:" + device : device;
}

/// Returns the first NIC of -a that this machine does not have; empty if it has all of them.
std::string absent_nic(const std::vector<std::string>& eal_arguments,
                       const std::vector<machine::PciNic>& nics) {
    for (const char* name : {"-a", "--allow"})
        for (const std::string& device : values_of(eal_arguments, name)) {
            std::string address = full_address(device);
            if (std::ranges::none_of(nics, [&](const auto& nic) { return nic.address == address; }))
                return address;
        }
    return "";
}

const char* sudo_unless(bool root) {
    return root ? "" : " (and this is not root: type it with sudo)";
}

}  // namespace

std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments) {
    std::vector<std::string> names;
    for (const std::string& device : vdev_arguments(eal_arguments))
        names.push_back(device.substr(0, device.find(',')));
    return names;
}

std::vector<std::string> vdev_arguments(const std::vector<std::string>& eal_arguments) {
    return values_of(eal_arguments, "--vdev");
}

std::string explain_misread_vdev(const std::string& name, const std::string& driver) {
    constexpr std::string_view kPrefix = "net_";
    const std::string stem = driver.starts_with(kPrefix) ? driver.substr(kPrefix.size()) : driver;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    for (const std::string& spelling : {driver, "eth_" + stem, stem}) {
        if (!name.starts_with(spelling) || name.size() == spelling.size() ||
            !is_letter(name[spelling.size()]))
            continue;
        const std::size_t last_letter = name.find_last_not_of("0123456789");
        const std::string number = name.substr(last_letter + 1);
        return fmt::format("--vdev={}: no driver has this name, but EAL would take it for a {}; write {}{}",
                           name, spelling, spelling, number.empty() ? "0" : number);
    }
    return {};
}

std::string explain_eal_failure(const FailedStart& failed) {
    std::string why = explain_known(failed);
    const std::string reason = last_reason(failed.said);
    if (why.empty() && failed.error == EINVAL)
        why = fmt::format("it does not accept its arguments ({}); EAL options come before --, ours after it",
                          reason.empty() ? "see above" : reason);
    else if (why.empty())
        why = fmt::format("{}; its own lines above say more",
                          !reason.empty() ? reason : reason_of(failed.error));
    return fmt::format("EAL did not start: {}", why);
}

std::string explain_missing_device(const FailedStart& failed) {
    std::string why = explain_known(failed);
    const std::string reason = last_reason(failed.said, failed.missing.front());
    if (why.empty())
        why = reason.empty() ? "its driver does not say why; look its arguments up in DPDK's guide: "
                               "one is missing, or one is not known to it"
                             : fmt::format("its driver says: {}; check its arguments", reason);
    return fmt::format("EAL could not create {}: {}", fmt::join(failed.missing, " "), why);
}

std::string explain_no_ports(const FailedStart& failed, const std::vector<machine::PciNic>& nics) {
    if (!failed.missing.empty())
        return "no port: " + explain_missing_device(failed);
    if (const std::string known = explain_known(failed); !known.empty())
        return "no port: " + known;
    if (const std::string absent = absent_nic(failed.eal_arguments, nics); !absent.empty())
        return fmt::format("no port: this machine has no NIC {}; type: dpdk-devbind.py --status", absent);
    const char* sudo = sudo_unless(failed.host.root);
    if (!nics.empty() && !failed.has_option("--no-pci"))
        return fmt::format("no port: {}{}", machine::explain_unused_nics(nics), sudo);
    return fmt::format(
        "no port: EAL found no NIC bound to a DPDK driver{}; bind one (dpdk-devbind.py --status, "
        "then --bind=vfio-pci ADDRESS) or try without a NIC: --vdev=net_tap0",
        sudo);
}

std::string advice_for_link_down(const std::string& driver, const std::string& device_arguments) {
    const std::vector<std::string> roles = interfaces_in(device_arguments, {"role"});
    const bool is_server = !roles.empty() && (roles.front() == "server" || roles.front() == "master");
    if (driver != "net_memif" || is_server)
        return "";
    return "; a memif client does not connect again: when its server is back, start this program again";
}

std::string explain_port_failure(const std::string& call, const FailedStart& failed) {
    if (const std::string known = explain_known(failed); !known.empty())
        return fmt::format("{}: {}", call, known);
    const std::string reason = last_reason(failed.said);
    return fmt::format("{}: {}{}", call, reason_of(-failed.error),
                       reason.empty() ? "; its driver does not say why: check the arguments of the device"
                                      : fmt::format("; its driver says: {}", reason));
}

}  // namespace l2echo::dpdk
