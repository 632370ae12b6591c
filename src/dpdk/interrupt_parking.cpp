#include "dpdk/interrupt_parking.hpp"

#include <rte_interrupts.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <future>
#include <memory>

namespace l2echo::dpdk {
namespace {

/// Runs on the interrupt thread and never returns. An alarm would do as well, but rte_eal_cleanup() waits for
/// the end of those.
void park(void* parked) {
    static_cast<std::promise<void>*>(parked)->set_value();
    for (;;)
        pause();
}

}  // namespace

void park_interrupt_thread() {
    const std::unique_ptr<rte_intr_handle, decltype(&rte_intr_instance_free)> handle(
        rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE), rte_intr_instance_free);
    const int readable_at_once = eventfd(1, EFD_CLOEXEC);  // stays open: the parked thread may be polling it
    static std::promise<void> parked;  // the parked thread may still be inside of it when this returns
    constexpr std::chrono::milliseconds kPatience{500};
    if (handle && readable_at_once >= 0 && rte_intr_fd_set(handle.get(), readable_at_once) == 0 &&
        rte_intr_type_set(handle.get(), RTE_INTR_HANDLE_EXT) == 0 &&
        rte_intr_callback_register(handle.get(), park, &parked) == 0)
        parked.get_future().wait_for(kPatience);
}

}  // namespace l2echo::dpdk
