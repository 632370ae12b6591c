// Stops the EAL interrupt thread, which EAL itself never does.
#pragma once

namespace l2echo::dpdk {

/// Keeps the interrupt thread from running again, for the rest of the process; call it before
/// rte_eal_cleanup(). That one unmaps memory which holds interrupt handles while the thread still reads them:
/// an event in between, such as a memif peer closing its socket, was a segmentation fault (DPDK 22.11; the
/// source of 26.11-rc0 reads the same). Main lcore, when the ports are closed.
void park_interrupt_thread();

}  // namespace l2echo::dpdk
