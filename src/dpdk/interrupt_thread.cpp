#include "dpdk/interrupt_thread.hpp"

#include <rte_alarm.h>
#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <utility>

namespace l2echo::dpdk {
namespace {

/// Runs on the interrupt thread and never returns. Not an alarm, because rte_eal_cleanup() waits for running
/// alarms.
void park(void* parked) {
    static_cast<std::promise<void>*>(parked)->set_value();
    for (;;)
        pause();
}

struct Work {
    const std::function<void()>& run;
    std::promise<void> done;
};

void run_work(void* argument) {
    auto* work = static_cast<Work*>(argument);
    work->run();
    std::promise<void> done = std::move(work->done);  // the waiting thread destroys `work`
    done.set_value();
}

}  // namespace

void run_on_interrupt_thread(const std::function<void()>& run) {
    constexpr std::uint64_t kAtOnce = 1;  // 1 us; 0 is rejected
    Work work{run, {}};
    const std::future<void> done = work.done.get_future();
    if (rte_eal_alarm_set(kAtOnce, run_work, &work) == 0)
        done.wait();
    else
        run();
}

void park_interrupt_thread() {
    const std::unique_ptr<rte_intr_handle, decltype(&rte_intr_instance_free)> handle(
        rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE), rte_intr_instance_free);
    const int readable_at_once = eventfd(1, EFD_CLOEXEC);  // stays open: the parked thread may be polling it
    static std::promise<void> parked;  // static: the parked thread may still be using it when this returns
    constexpr std::chrono::milliseconds kPatience{500};
    if (handle && readable_at_once >= 0 && rte_intr_fd_set(handle.get(), readable_at_once) == 0 &&
        rte_intr_type_set(handle.get(), RTE_INTR_HANDLE_EXT) == 0 &&
        rte_intr_callback_register(handle.get(), park, &parked) == 0)
        parked.get_future().wait_for(kPatience);
}

}  // namespace l2echo::dpdk
