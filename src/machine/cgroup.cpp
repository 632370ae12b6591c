#include "l2echo/machine/cgroup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "machine/first_line.hpp"

namespace l2echo::machine {
namespace {

namespace fs = std::filesystem;

std::optional<double> tighter(std::optional<double> a, std::optional<double> b) {
    return a && b ? std::min(*a, *b) : a ? a : b;
}

/// Walks up from the group: the quota may be set on the group itself or on any ancestor.
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
    return parse_cpu_max(first_line(group / "cpu.max"));
}

std::optional<double> read_quota_v1(const fs::path& group) {
    return parse_cpu_max(first_line(group / "cpu.cfs_quota_us") + " " +
                         first_line(group / "cpu.cfs_period_us"));
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
        "the cgroup's CPU quota is {:.2f} CPUs and {} lcores poll: "
        "they will be throttled and frames lost in the pauses; raise the quota (cpu.max) "
        "or use fewer lcores",
        *quota, polling_lcores);
}

}  // namespace l2echo::machine
