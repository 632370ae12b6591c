#include "l2echo/engine/trace.hpp"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_ring_elem.h>

#include "l2echo/process/error.hpp"

namespace l2echo::engine {

/// DPDK 24.11 declares this function outside extern "C", so its mangled name would not link.
extern "C" rte_ring* rte_ring_create_elem(const char* name, unsigned int esize, unsigned int count,
                                          int socket_id, unsigned int flags);

namespace {

constexpr unsigned kRecords = 1024;
static_assert(sizeof(verdict::TraceRecord) % 4 == 0, "rte_ring takes elements of whole 4 bytes");

}  // namespace

FrameTrace::FrameTrace(TraceBudget& budget, std::uint16_t port, std::uint16_t queue, int numa_node)
    : budget_(budget),
      ring_(rte_ring_create_elem(fmt::format("trace_p{}_q{}", port, queue).c_str(),
                                 sizeof(verdict::TraceRecord), kRecords, numa_node,
                                 RING_F_SP_ENQ | RING_F_SC_DEQ)) {
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

bool FrameTrace::read(verdict::TraceRecord& record) noexcept {
    return rte_ring_sc_dequeue_elem(ring_, &record, sizeof record) == 0;
}

}  // namespace l2echo::engine
