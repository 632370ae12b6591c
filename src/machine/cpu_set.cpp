#include "l2echo/machine/cpu_set.hpp"

#include <fmt/ranges.h>
#include <sched.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {

std::string format_cpus(const CpuSet& cpus) {
    std::vector<std::string> ranges;
    for (auto first = cpus.begin(); first != cpus.end();) {
        auto last = first;
        while (std::next(last) != cpus.end() && *std::next(last) == *last + 1)
            ++last;
        ranges.push_back(first == last ? fmt::format("{}", *first) : fmt::format("{}-{}", *first, *last));
        first = std::next(last);
    }
    return ranges.empty() ? "none" : fmt::format("{}", fmt::join(ranges, ","));
}

CpuSet allowed_cpus() {
    constexpr int kMaxCpus = 8192;  // the kernel's own NR_CPUS limit on x86-64
    std::array<unsigned long, kMaxCpus / (8 * sizeof(unsigned long))> bits{};
    auto* set = reinterpret_cast<cpu_set_t*>(bits.data());
    if (sched_getaffinity(0, sizeof bits, set) != 0)
        throw process::StartupError(fmt::format("sched_getaffinity: {}", std::strerror(errno)));
    CpuSet cpus;
    for (int cpu = 0; cpu < kMaxCpus; ++cpu)
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), sizeof bits, set))
            cpus.insert(cpu);
    return cpus;
}

}  // namespace l2echo::machine
