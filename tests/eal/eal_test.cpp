#include "l2echo/dpdk/eal.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "sanitizers.hpp"

namespace l2echo {
namespace {

/// True with CAP_IPC_LOCK or without a limit (mlock(2)).
bool may_lock_all_memory() {
    constexpr std::uint64_t kCapIpcLock = 1u << 14;
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY)
        return true;
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;)
        if (std::uint64_t effective = 0; word == "CapEff:" && status >> std::hex >> effective)
            return (effective & kCapIpcLock) != 0;
    return false;
}

TEST(Eal, LocksMemoryThatIsMappedLater) {
    if (kSanitized)
        GTEST_SKIP() << "AddressSanitizer turns mlockall() into a no-op";
    if (!may_lock_all_memory())
        GTEST_SKIP() << "this user's locked memory is limited";
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    constexpr std::size_t kPages = 64;
    void* memory = mmap(nullptr, kPages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    std::vector<unsigned char> resident(kPages);
    ASSERT_EQ(mincore(memory, kPages * page, resident.data()), 0);
    EXPECT_TRUE(std::ranges::all_of(resident, [](unsigned char state) { return (state & 1) != 0; }));
    munmap(memory, kPages * page);
}

}  // namespace
}  // namespace l2echo
