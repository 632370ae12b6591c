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
TEST(PollingLcore, DriversResolveToTheFunctionOfThisProgram) {
    Dl_info info{};
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, "munmap"), &info), 0);
    EXPECT_NE(std::string(info.dli_fname).find("eal_tests"), std::string::npos);
}

}  // namespace
}  // namespace l2echo::dpdk
