#include "probe/run/environment.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "l2echo/dpdk/version.hpp"

namespace l2echo::probe {
namespace {

/// Returns the text after the colon in the first line that begins with `key`.
std::string value_of(const char* path, const std::string& key) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(key))
            return line.substr(std::min(line.size(), line.find_first_not_of(" \t", line.find(':') + 1)));
    return "unknown";
}

std::string file_line(const char* path) {
    std::ifstream file(path);
    std::string line;
    return std::getline(file, line) && !line.empty() ? line : "none";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_environment(const dpdk::Port& port,
                                                                      const ProbeOptions& options) {
    return {{"version", dpdk::version_text()},
            {"cpu", value_of("/proc/cpuinfo", "model name")},
            {"governor", file_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
            {"isolated_cpus", file_line("/sys/devices/system/cpu/isolated")},
            {"hugepages", value_of("/proc/meminfo", "HugePages_Total")},
            {"port", fmt::format("{} ({})", port.name(), port.driver())},
            {"eal", fmt::format("{}", fmt::join(options.eal, " "))},
            {"rx_descriptors", fmt::format("{}", port.plan().rx_descriptors)},
            {"tx_descriptors", fmt::format("{}", port.plan().tx_descriptors)},
            {"burst", fmt::format("{}", options.port.burst)}};
}

}  // namespace l2echo::probe
