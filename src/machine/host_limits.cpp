#include "l2echo/machine/host_limits.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "l2echo/machine/capabilities.hpp"
#include "machine/first_line.hpp"

namespace l2echo::machine {
namespace {

namespace fs = std::filesystem;

std::uint64_t read_number(const fs::path& path) {
    std::istringstream text(first_line(path));
    std::uint64_t number = 0;
    text >> number;
    return number;
}

/// Returns the mount point of the first hugetlbfs, which EAL uses without --huge-dir.
std::string first_hugetlbfs() {
    std::ifstream mounts("/proc/mounts");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string device, point, type;
        if (fields >> device >> point >> type && type == "hugetlbfs")
            return point;
    }
    return "";
}

}  // namespace

HostLimits read_host_limits() {
    HostLimits host;
    std::error_code none;
    for (const auto& size : fs::directory_iterator("/sys/kernel/mm/hugepages", none)) {
        host.hugepages_reserved += read_number(size.path() / "nr_hugepages");
        host.hugepages_free += read_number(size.path() / "free_hugepages");
    }
    host.hugetlbfs = first_hugetlbfs();
    host.root = geteuid() == 0;
    host.capabilities = effective_capabilities();
    host.sysfs = fs::exists("/sys/devices/system/cpu", none);
    host.tun_device = fs::exists("/dev/net/tun", none);
    return host;
}

}  // namespace l2echo::machine
