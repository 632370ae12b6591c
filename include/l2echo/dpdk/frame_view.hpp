// Read-only view of the frame in an mbuf.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>

#include "l2echo/wire/frame_view.hpp"

namespace l2echo::dpdk {

inline wire::FrameView view_of(const rte_mbuf& frame) noexcept {
    return {rte_pktmbuf_mtod(&frame, const std::byte*), frame.data_len, frame.pkt_len};
}

}  // namespace l2echo::dpdk
