// Lets dpdk-dumpcap capture on the ports: takes its requests, and installs and removes the callbacks that
// copy frames for it.
#pragma once

namespace l2echo::dpdk {

/// Takes the place of librte_pdump, with which a worker crashes when a capture ends. rte_pdump removes its
/// callback and answers at once, and the capturing process frees its mempool, from which a worker in the
/// middle of the callback still takes mbufs: a segmentation fault after 2 to 16 captures with all CPUs busy
/// (DPDK 22.11, lib/pdump/rte_pdump.c: set_pdump_rxtx_cbs(); 25.11 waits there). Here, the answer waits until
/// each lcore has ended its turn. A capturing process that is killed is noticed within a second, and its
/// callbacks are removed, which no version of rte_pdump does.
///
/// The requests are those of rte_pdump, version 1 and 2, which are the same from DPDK 21.11 to 26.11-rc0. One
/// per process. EAL's interrupt thread serves the requests.
class CaptureServer {
  public:
    /// The ports must be configured. Throws StartupError if EAL has no memory, or UsageError if it shares
    /// none.
    CaptureServer();
    /// Ends the captures. Call before the ports are closed, on a thread that does not poll.
    ~CaptureServer();
    CaptureServer(const CaptureServer&) = delete;
    CaptureServer& operator=(const CaptureServer&) = delete;
};

}  // namespace l2echo::dpdk
