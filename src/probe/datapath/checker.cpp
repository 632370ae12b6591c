#include "probe/run/checker.hpp"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <algorithm>
#include <array>

#include "l2echo/dpdk/frame_view.hpp"
#include "l2echo/dpdk/port_plan.hpp"
#include "l2echo/wire/loop_check.hpp"

namespace l2echo::probe {
namespace {

bool is_loop_check(const rte_mbuf& frame) noexcept {
    const wire::FrameView view = dpdk::view_of(frame);
    return view.length >= wire::kEthernetHeaderLength &&
           wire::read_loop_check(view, wire::read_headers(view)).has_value();
}

}  // namespace

std::uint16_t Checker::poll() noexcept {
    std::array<rte_mbuf*, dpdk::kMaxBurst> frames;
    const std::uint16_t received = rte_eth_rx_burst(port_, queue_, frames.data(), burst_);
    if (received == 0)
        return 0;
    const std::uint64_t now = rte_rdtsc() - epoch_;
    for (std::uint16_t i = 0; i < received; ++i)
        check(*frames[i], now);
    rte_pktmbuf_free_bulk(frames.data(), received);
    return received;
}

void Checker::check(const rte_mbuf& frame, std::uint64_t now) noexcept {
    // If a frame is longer than any that we sent, its first bytes suffice to classify it.
    const auto length = std::min<std::uint32_t>(frame.pkt_len, static_cast<std::uint32_t>(gathered_.size()));
    const auto* data = static_cast<const std::byte*>(rte_pktmbuf_read(&frame, 0, length, gathered_.data()));
    Stamp stamp;
    switch (traffic_.check({data, length}, expected_, stamp)) {
        case Traffic::Verdict::Intact:
            intact_.add(1);
            if (is_first_copy(stamp, frame.pkt_len, now))
                round_trip_.add(cycles_since(stamp.planned, now));
            return;
        case Traffic::Verdict::Corrupted:
            corrupted_.add(1);
            is_first_copy(stamp, frame.pkt_len, now);
            return;
        case Traffic::Verdict::Damaged:
            corrupted_.add(1);
            damaged_.add(1);
            return;
        case Traffic::Verdict::Foreign:
            (is_loop_check(frame) ? loop_checks_ : foreign_).add(1);
            return;
    }
}

bool Checker::is_first_copy(const Stamp& stamp, std::uint32_t length, std::uint64_t now) noexcept {
    if (!streams_[stamp.stream].add(stamp.sequence))
        return false;
    unique_.add(1);
    unique_bytes_.add(length);
    last_unique_.add(now - last_unique_.read());
    return true;
}

}  // namespace l2echo::probe
