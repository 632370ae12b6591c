#include "l2echo/dpdk/polling_lcore.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <rte_alarm.h>
#include <rte_lcore.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <string>

namespace l2echo::dpdk {
namespace {

constexpr std::chrono::milliseconds kAWhile{20};
constexpr std::chrono::seconds kLong{20};

/// Memory that a driver will unmap on EAL's interrupt thread.
class SharedPage {
  public:
    SharedPage() : address_(mmap(nullptr, size(), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}

    void unmap_on_interrupt_thread() { ASSERT_EQ(rte_eal_alarm_set(1, unmap, this), 0); }
    bool unmapped_within(std::chrono::milliseconds time) const {
        return unmapped_.wait_for(time) == std::future_status::ready;
    }

  private:
    static std::size_t size() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

    static void unmap(void* argument) {
        auto& page = *static_cast<SharedPage*>(argument);
        std::promise<void> done = std::move(page.done_);
        EXPECT_EQ(munmap(page.address_, size()), 0);
        done.set_value();
    }

    void* address_;
    std::promise<void> done_;
    std::future<void> unmapped_ = done_.get_future();
};

TEST(PollingLcore, StallsUntilItEndsATurn) {
    PollingLcores& lcores = *PollingLcores::current();
    EXPECT_EQ(lcores.stalled_since(lcores.mark()), std::nullopt) << "nothing polls";
    {
        const PollingLcore lcore;
        const std::uint64_t mark = lcores.mark();
        EXPECT_EQ(lcores.stalled_since(mark), rte_lcore_id());
        lcore.end_turn();
        EXPECT_EQ(lcores.stalled_since(mark), std::nullopt);
        EXPECT_EQ(lcores.stalled_since(lcores.mark()), rte_lcore_id());
    }
    EXPECT_EQ(lcores.stalled_since(lcores.mark()), std::nullopt) << "it polls no more";
}

TEST(PollingLcore, MemoryIsUnmappedAfterTheCurrentIteration) {
    SharedPage page;
    const PollingLcore lcore;
    page.unmap_on_interrupt_thread();
    EXPECT_FALSE(page.unmapped_within(kAWhile));
    lcore.end_turn();
    EXPECT_TRUE(page.unmapped_within(kLong));
}

TEST(PollingLcore, MemoryIsUnmappedAfterTheLcoreHasLeft) {
    SharedPage page;
    {
        const PollingLcore lcore;
        page.unmap_on_interrupt_thread();
        EXPECT_FALSE(page.unmapped_within(kAWhile));
    }
    EXPECT_TRUE(page.unmapped_within(kLong));
}

TEST(PollingLcore, LcoreThatNeverRunsDoesNotBlockTheInterruptThread) {
    SharedPage page;
    const PollingLcore lcore;
    page.unmap_on_interrupt_thread();
    EXPECT_TRUE(page.unmapped_within(kLong));
}

TEST(PollingLcore, OtherThreadsUnmapImmediately) {
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const PollingLcore lcore;
    EXPECT_EQ(munmap(address, size), 0);  // must not wait for itself
    EXPECT_NE(msync(address, size, MS_ASYNC), 0);
}

/// Drivers are shared libraries that EAL loads later.
TEST(PollingLcore, DriversResolveToTheFunctionsOfThisProgram) {
    for (const char* const name : {"munmap", "mmap", "mmap64"}) {
        Dl_info info{};
        ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, name), &info), 0) << name;
        EXPECT_NE(std::string(info.dli_fname).find("eal_tests"), std::string::npos) << name;
    }
}

/// A shared file that a driver maps on EAL's interrupt thread.
struct SharedFile {
    int file = memfd_create("polling_lcore_test", MFD_CLOEXEC);
    std::promise<void*> mapped{};
};

TEST(PollingLcore, SharedFileIsMappedAfterTheCurrentIteration) {
    const auto size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    SharedFile shared;
    ASSERT_EQ(ftruncate(shared.file, static_cast<off_t>(size)), 0);
    std::future<void*> mapped = shared.mapped.get_future();
    const PollingLcore lcore;
    const auto map = [](void* argument) {
        auto& self = *static_cast<SharedFile*>(argument);
        self.mapped.set_value(mmap(nullptr, static_cast<std::size_t>(sysconf(_SC_PAGESIZE)), PROT_READ,
                                   MAP_SHARED, self.file, 0));
    };
    ASSERT_EQ(rte_eal_alarm_set(1, map, &shared), 0);
    EXPECT_EQ(mapped.wait_for(kAWhile), std::future_status::timeout);
    lcore.end_turn();
    ASSERT_EQ(mapped.wait_for(kLong), std::future_status::ready);
    void* const memory = mapped.get();
    ASSERT_NE(memory, MAP_FAILED);
    EXPECT_EQ(munmap(memory, size), 0);
    close(shared.file);
}

}  // namespace
}  // namespace l2echo::dpdk
