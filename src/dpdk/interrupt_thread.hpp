// Runs work on the EAL interrupt thread, and stops that thread, which EAL itself never does.
#pragma once

#include <functional>

namespace l2echo::dpdk {

/// Calls `run` on the interrupt thread, so that no driver's interrupt handler runs at the same time, and
/// returns when it is done. If the thread accepts no work, calls `run` directly. Must not be called on the
/// interrupt thread or on an lcore that polls.
void run_on_interrupt_thread(const std::function<void()>& run);

/// Parks the interrupt thread for the rest of the process. Call before rte_eal_cleanup(), which unmaps memory
/// with interrupt handles while the thread still reads them: an event in between, such as a memif peer
/// closing its socket, caused a segmentation fault (DPDK 22.11; the source of 26.11-rc0 is the same). Main
/// lcore, after the ports are closed.
void park_interrupt_thread();

}  // namespace l2echo::dpdk
