#include "l2echo/control/host_limits.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "l2echo/error.hpp"

namespace l2echo {
namespace {

namespace fs = std::filesystem;

bool has_option(const std::vector<std::string>& arguments, const std::string& name) {
    return std::find(arguments.begin(), arguments.end(), name) != arguments.end();
}

std::string read_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

std::uint64_t read_number(const fs::path& path) {
    std::istringstream text(read_line(path));
    std::uint64_t number = 0;
    text >> number;
    return number;
}

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
    return a && b ? std::min(*a, *b) : a ? a : b;
}

/// A quota may sit on the group itself or on any above it.
template <typename ReadQuota>
std::optional<double> tightest_upwards(const fs::path& mount, const std::string& group,
                                       ReadQuota read_quota) {
    std::optional<double> quota;
    for (fs::path path = fs::path(group).relative_path();; path = path.parent_path()) {
        quota = tighter(quota, read_quota(mount / path));
        if (path.empty())
            return quota;
    }
}

std::optional<double> read_quota_v2(const fs::path& group) {
    return parse_cpu_max(read_line(group / "cpu.max"));
}

std::optional<double> read_quota_v1(const fs::path& group) {
    return parse_cpu_max(read_line(group / "cpu.cfs_quota_us") + " " +
                         read_line(group / "cpu.cfs_period_us"));
}

}  // namespace

std::optional<double> parse_cpu_max(std::string_view text) {
    std::istringstream words{std::string(text)};
    double quota = 0;
    double period = 0;
    if (!(words >> quota >> period) || quota <= 0 || period <= 0)
        return std::nullopt;
    return quota / period;
}

std::optional<double> read_cpu_quota() {
    std::optional<double> quota;
    std::ifstream groups("/proc/self/cgroup");
    // hierarchy:controllers:group; v2 has hierarchy 0 and no controllers
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (second == std::string::npos)
            continue;
        const std::string controllers = fmt::format(",{},", line.substr(first + 1, second - first - 1));
        const std::string group = line.substr(second + 1);
        if (controllers == ",,")
            quota = tighter(quota, tightest_upwards("/sys/fs/cgroup", group, read_quota_v2));
        else if (controllers.find(",cpu,") != std::string::npos)
            quota = tighter(quota, tightest_upwards("/sys/fs/cgroup/cpu", group, read_quota_v1));
    }
    return quota;
}

std::optional<std::string> quota_warning(std::optional<double> quota, unsigned polling_lcores) {
    if (!quota || *quota >= polling_lcores)
        return std::nullopt;
    return fmt::format(
        "the cgroup's CPU quota is {:.2f} CPUs and {} lcores poll: they will be throttled and frames "
        "lost in the pauses; raise the quota (cpu.max) or use fewer lcores",
        *quota, polling_lcores);
}

HostLimits read_host_limits() {
    HostLimits host;
    std::error_code none;
    for (const auto& size : fs::directory_iterator("/sys/kernel/mm/hugepages", none)) {
        host.hugepages_reserved += read_number(size.path() / "nr_hugepages");
        host.hugepages_free += read_number(size.path() / "free_hugepages");
    }
    host.root = geteuid() == 0;
    return host;
}

std::vector<std::string> requested_vdevs(const std::vector<std::string>& eal_arguments) {
    constexpr std::string_view kOption = "--vdev";
    std::vector<std::string> names;
    for (std::size_t i = 0; i < eal_arguments.size(); ++i) {
        std::string device;
        if (eal_arguments[i] == kOption && i + 1 < eal_arguments.size())
            device = eal_arguments[i + 1];
        else if (eal_arguments[i].starts_with(std::string(kOption) + "="))
            device = eal_arguments[i].substr(kOption.size() + 1);
        if (!device.empty())
            names.push_back(device.substr(0, device.find(',')));
    }
    return names;
}

std::string explain_eal_failure(const std::vector<std::string>& eal_arguments, int error,
                                const HostLimits& host) {
    const bool wants_hugepages = !has_option(eal_arguments, "--no-huge");
    std::string why;
    if (error == EINVAL)
        why = "it does not accept its arguments (see above); EAL options come before --, ours after it";
    else if (error == ENODEV)
        why = fmt::format(
            "it knows no driver for a device asked for ({}); check its name, and that DPDK's drivers are "
            "installed",
            fmt::join(requested_vdevs(eal_arguments), " "));
    else if (error == EALREADY || error == 0)
        why =
            "its run-time files are taken, most likely by another DPDK process; stop that one, or give this "
            "one a "
            "name of its own with --file-prefix NAME";
    else if (wants_hugepages && host.hugepages_reserved == 0)
        why =
            "no hugepages are reserved; type: sudo dpdk-hugepages.py --reserve 512M --mount (or, to try "
            "without, add --no-huge -m 256)";
    else if (!host.root)
        why = fmt::format("{}; type it with sudo, or give the user the hugepages and devices",
                          reason_of(error));
    else if (wants_hugepages && host.hugepages_free == 0)
        why =
            "all hugepages are in use; type: sudo dpdk-hugepages.py --show, then stop the user or reserve "
            "more";
    else
        why = fmt::format("{}; its own lines above say more", reason_of(error));
    return fmt::format("EAL did not start: {}", why);
}

std::string explain_no_ports(const std::vector<std::string>& eal_arguments, const HostLimits& host,
                             const std::vector<PciNic>& nics) {
    const std::vector<std::string> vdevs = requested_vdevs(eal_arguments);
    if (!vdevs.empty())
        return fmt::format("no port: EAL could not create {} (its lines above say why){}",
                           fmt::join(vdevs, " "),
                           host.root ? "" : "; a kernel-backed device needs root: type it with sudo");
    if (!nics.empty() && !has_option(eal_arguments, "--no-pci"))
        return fmt::format("no port: {}{}", explain_unused_nics(nics),
                           host.root ? "" : " (and this is not root: type it with sudo)");
    return fmt::format(
        "no port: EAL found no NIC bound to a DPDK driver{}; bind one (dpdk-devbind.py --status, then "
        "--bind=vfio-pci ADDRESS) or try without a NIC: --vdev=net_tap0",
        host.root ? "" : " (and this is not root: type it with sudo)");
}

}  // namespace l2echo
