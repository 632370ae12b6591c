#include "monitoring/program_metrics.hpp"

#include <rte_version.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>

#include "l2echo/dpdk/version.hpp"

namespace l2echo::monitoring {
namespace {

using metrics::Type;
using metrics::Value;

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// Returns word `index` of /proc/self/statm, in bytes.
std::uint64_t memory_bytes(int index) {
    std::ifstream file("/proc/self/statm");
    std::uint64_t pages = 0;
    for (int i = 0; i <= index; ++i)
        file >> pages;
    return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Returns the time since 1970 at which the process started. It does not change, so it is read once.
double start_seconds() {
    static const double kStart = [] {
        // The name in parentheses may contain blanks. The start is word 22, in clock ticks since boot (man 5
        // proc).
        std::ifstream file("/proc/self/stat");
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        std::istringstream words(text.substr(text.rfind(')') + 1));
        std::string word;
        for (int i = 3; i <= 22; ++i)
            words >> word;
        std::ifstream machine("/proc/stat");
        double boot = 0;
        for (std::string key; machine >> key;)
            if (key == "btime") {
                machine >> boot;
                break;
            }
        return boot + std::strtod(word.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
    }();
    return kStart;
}

std::uint64_t open_descriptors() {
    std::error_code error;
    const std::filesystem::directory_iterator folder("/proc/self/fd", error);
    // One of them is that of the folder.
    return error ? 0 : static_cast<std::uint64_t>(std::distance(begin(folder), end(folder))) - 1;
}

Value max_descriptors() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY)
        return std::numeric_limits<double>::infinity();
    return std::uint64_t{limit.rlim_cur};
}

}  // namespace

metrics::Families program_metrics() {
    const auto one = [](const char* name, Type type, const char* help, Value value) {
        return metrics::Family{name, type, help, {{{}, value}}};
    };
    return {
        {"l2echo_build",
         Type::Info,
         "Versions of l2echo and DPDK",
         {{{{"version", dpdk::own_version()}, {"dpdk", rte_version()}}, std::uint64_t{1}}}},
        one("process_cpu_seconds", Type::Counter, "CPU time of all threads", cpu_seconds()),
        one("process_start_time_seconds", Type::Gauge, "Start of the process, since 1970", start_seconds()),
        one("process_resident_memory_bytes", Type::Gauge, "Memory in use, without hugepages",
            memory_bytes(1)),
        one("process_virtual_memory_bytes", Type::Gauge, "Address space", memory_bytes(0)),
        one("process_open_fds", Type::Gauge, "Open file descriptors", open_descriptors()),
        one("process_max_fds", Type::Gauge, "Most file descriptors that may be open", max_descriptors()),
    };
}

}  // namespace l2echo::monitoring
