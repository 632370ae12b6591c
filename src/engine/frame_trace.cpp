#include "l2echo/engine/frame_trace.hpp"

#include <rte_errno.h>
#include <rte_ring_elem.h>

#include <algorithm>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::engine {

/// DPDK 24.11 declares it outside of any extern "C", as a function that no library has.
extern "C" rte_ring* rte_ring_create_elem(const char* name, unsigned int esize, unsigned int count,
                                          int socket_id, unsigned int flags);

namespace {

constexpr unsigned kRecords = 1024;
static_assert(sizeof(TraceRecord) % 4 == 0, "rte_ring takes elements of whole 4 bytes");

}  // namespace

FrameTrace::FrameTrace(TraceBudget& budget, std::uint16_t port, std::uint16_t queue, int numa_node)
    : budget_(budget),
      ring_(rte_ring_create_elem(fmt::format("trace_p{}_q{}", port, queue).c_str(), sizeof(TraceRecord),
                                 kRecords, numa_node, RING_F_SP_ENQ | RING_F_SC_DEQ)) {
    if (ring_ == nullptr)
        throw process::StartupError(
            fmt::format("port {} queue {}: no memory for --trace: {}; reserve hugepages or raise -m", port,
                        queue, rte_strerror(rte_errno)));
    record_.port = port;
    record_.queue = queue;
}

FrameTrace::~FrameTrace() {
    rte_ring_free(ring_);
}

void FrameTrace::begin(const rte_mbuf& frame, std::uint64_t tsc) noexcept {
    record_.tsc = tsc;
    record_.length = frame.pkt_len;
    record_.captured =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(frame.data_len, TraceRecord::kMostBytes));
    std::memcpy(record_.bytes.data(), rte_pktmbuf_mtod(&frame, const std::byte*), record_.captured);
}

void FrameTrace::end(const Decision& decision, const echo::WireRules& rules) noexcept {
    if (rte_ring_full(ring_) != 0 || !budget_.take())
        return;
    record_.decision = decision;
    record_.raw = rules.raw;
    record_.level = rules.level;
    rte_ring_sp_enqueue_elem(ring_, &record_, sizeof record_);  // only this worker makes the ring fuller
}

bool FrameTrace::read(TraceRecord& record) noexcept {
    return rte_ring_sc_dequeue_elem(ring_, &record, sizeof record) == 0;
}

}  // namespace l2echo::engine
