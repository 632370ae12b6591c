#include "l2echo/dpdk/polling_lcore.hpp"

#include <rte_interrupts.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "l2echo/dpdk/log.hpp"
#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Global, because munmap() has no argument for it.
std::atomic<PollingLcores*> the_one{nullptr};  // written by the main lcore when EAL starts and ends

/// An lcore that has not run for this long is unlikely to be in the middle of a burst of this port.
constexpr std::chrono::milliseconds kUnmappingPatience{1000};

}  // namespace

void PollingLcores::Free::operator()(rte_rcu_qsbr* memory) const noexcept {
    rte_free(memory);
}

PollingLcores::PollingLcores()
    : lcores_(static_cast<rte_rcu_qsbr*>(
          rte_zmalloc("polling_lcores", rte_rcu_qsbr_get_memsize(RTE_MAX_LCORE), RTE_CACHE_LINE_SIZE))) {
    if (!lcores_ || rte_rcu_qsbr_init(lcores_.get(), RTE_MAX_LCORE) != 0)
        throw process::StartupError("rte_rcu_qsbr_init: no memory; give EAL more with -m");
    the_one.store(this, std::memory_order_release);
}

PollingLcores::~PollingLcores() {
    the_one.store(nullptr, std::memory_order_release);
}

PollingLcores* PollingLcores::current() noexcept {
    return the_one.load(std::memory_order_acquire);
}

bool PollingLcores::wait_for_turn(std::chrono::milliseconds limit) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const std::uint64_t turn = rte_rcu_qsbr_start(lcores_.get());
    while (rte_rcu_qsbr_check(lcores_.get(), turn, false) == 0) {
        if (std::chrono::steady_clock::now() >= deadline)
            return false;
        // Sleep instead of spinning: the lcore may be waiting for this CPU.
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

std::optional<unsigned> PollingLcores::stalled_since(std::uint64_t mark) const noexcept {
    for (unsigned lcore = 0; lcore < RTE_MAX_LCORE; ++lcore) {
        const std::uint64_t turn = __atomic_load_n(&lcores_->qsbr_cnt[lcore].cnt, __ATOMIC_ACQUIRE);
        if (turn != __RTE_QSBR_CNT_THR_OFFLINE && turn < mark)
            return lcore;
    }
    return std::nullopt;
}

rte_rcu_qsbr* PollingLcore::lcores_of_process() noexcept {
    PollingLcores* const lcores = PollingLcores::current();
    return lcores != nullptr && rte_lcore_id() < RTE_MAX_LCORE ? lcores->lcores_.get() : nullptr;
}

PollingLcore::PollingLcore() noexcept : lcores_(lcores_of_process()), id_(rte_lcore_id()) {
    if (lcores_ == nullptr)
        return;
    rte_rcu_qsbr_thread_register(lcores_, id_);
    rte_rcu_qsbr_thread_online(lcores_, id_);
}

PollingLcore::~PollingLcore() {
    if (lcores_ == nullptr)
        return;
    rte_rcu_qsbr_thread_offline(lcores_, id_);
    rte_rcu_qsbr_thread_unregister(lcores_, id_);
}

}  // namespace l2echo::dpdk

// This replaces the function of libc, for the drivers too: the dynamic linker searches the program before
// libc. On the interrupt thread, it waits until the bursts in progress have ended.
extern "C" int munmap(void* address, std::size_t length) noexcept {
    using l2echo::dpdk::PollingLcores;
    PollingLcores* const lcores = PollingLcores::current();
    if (lcores != nullptr && rte_thread_is_intr() != 0) {
        PollingLcores::count_unmapping();
        if (!lcores->wait_for_turn(l2echo::dpdk::kUnmappingPatience))
            l2echo::dpdk::log_warning(
                "a driver unmaps memory while an lcore has not ended its turn for a second");
    }
    return static_cast<int>(syscall(SYS_munmap, address, length));
}
