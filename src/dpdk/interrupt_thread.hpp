// The EAL interrupt thread: work for it, and its end, which EAL itself never brings about.
#pragma once

#include <functional>

namespace l2echo::dpdk {

/// Calls `run` on the interrupt thread, so that no driver's interrupt handler runs beside it, and returns
/// when it is done; at once and here if the thread takes no work. Not on the interrupt thread, nor on an
/// lcore that polls.
void run_on_interrupt_thread(const std::function<void()>& run);

/// Keeps the interrupt thread from running again, for the rest of the process; call it before
/// rte_eal_cleanup(). That one unmaps memory which holds interrupt handles while the thread still reads them:
/// an event in between, such as a memif peer closing its socket, was a segmentation fault (DPDK 22.11; the
/// source of 26.11-rc0 reads the same). Main lcore, when the ports are closed.
void park_interrupt_thread();

}  // namespace l2echo::dpdk
