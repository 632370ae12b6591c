#include "l2echo/machine/host_limits.hpp"

#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>

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

}  // namespace

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

}  // namespace l2echo::machine
