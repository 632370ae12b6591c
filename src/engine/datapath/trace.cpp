#include "l2echo/engine/trace.hpp"

#include <rte_ring_elem.h>

#include <algorithm>
#include <cstring>

namespace l2echo::engine {

void FrameTrace::begin(const rte_mbuf& frame, std::uint64_t tsc) noexcept {
    record_.tsc = tsc;
    record_.length = frame.pkt_len;
    record_.captured =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(frame.data_len, verdict::TraceRecord::kMaxBytes));
    std::memcpy(record_.bytes.data(), rte_pktmbuf_mtod(&frame, const std::byte*), record_.captured);
}

void FrameTrace::end(const verdict::Verdict& verdict, const char* echoed_as) noexcept {
    if (rte_ring_full(ring_) != 0 || !budget_.take())
        return;
    record_.verdict = verdict;
    record_.echoed_as = echoed_as;
    rte_ring_sp_enqueue_elem(ring_, &record_, sizeof record_);  // cannot fail: no one else enqueues
}

}  // namespace l2echo::engine
