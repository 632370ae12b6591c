// rte_pcapng_copy() is experimental; the versions differ in one argument.
#define ALLOW_EXPERIMENTAL_API  // NOLINT(cppcoreguidelines-macro-usage)

#include "dpdk/datapath/capture_burst.hpp"

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pcapng.h>
#include <rte_version.h>

#include <algorithm>
#include <array>
#include <span>

namespace l2echo::dpdk {
namespace {

constexpr std::size_t kMaxChunk = 32;  // arrays of this size fit on the stack

/// The capturing process only reads the counts.
void add(std::uint64_t& count, std::uint64_t number) noexcept {
    __atomic_store_n(&count, count + number, __ATOMIC_RELAXED);
}

rte_mbuf* copy_frame(const CaptureTarget& target, std::uint16_t port, std::uint16_t queue,
                     const rte_mbuf& frame, rte_pcapng_direction direction) noexcept {
    if (!target.pcapng)
        return rte_pktmbuf_copy(&frame, target.mempool, 0, target.max_length);
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
    return rte_pcapng_copy(port, queue, &frame, target.mempool, target.max_length, direction, nullptr);
#else
    return rte_pcapng_copy(port, queue, &frame, target.mempool, target.max_length, rte_get_tsc_cycles(),
                           direction);
#endif
}

/// Moves the frames that match the filter to the front of `matching`; returns their number.
std::size_t select(const CaptureTarget& target, std::span<rte_mbuf*> frames,
                   std::array<rte_mbuf*, kMaxChunk>& matching) noexcept {
    if (target.filter == nullptr) {
        std::ranges::copy(frames, matching.begin());
        return frames.size();
    }
    std::array<std::uint64_t, kMaxChunk> verdicts;
    target.matches(target.filter, reinterpret_cast<void**>(frames.data()), verdicts.data(),
                   static_cast<std::uint32_t>(frames.size()));
    std::size_t count = 0;
    for (std::size_t i = 0; i < frames.size(); ++i)
        if (verdicts[i] != 0)
            matching[count++] = frames[i];
    return count;
}

void capture_chunk(const CapturePoint& point, std::uint16_t port, std::uint16_t queue,
                   std::span<rte_mbuf*> frames, rte_pcapng_direction direction) noexcept {
    CaptureTarget& target = *point.target;
    std::array<rte_mbuf*, kMaxChunk> chosen;
    const std::size_t count = select(target, frames, chosen);
    add(point.counts->filtered, frames.size() - count);
    if (count == 0)
        return;

    // With its room reserved, each copy enters the ring and none has to be returned to the mempool.
    const auto room = static_cast<std::uint32_t>(count);
    const std::uint32_t reserved = target.reserved.fetch_add(room, std::memory_order_acq_rel) + room;
    if (rte_ring_free_count(target.ring) >= reserved) {
        std::array<void*, kMaxChunk> copies;
        std::uint32_t copied = 0;
        for (std::size_t i = 0; i < count; ++i)
            if (rte_mbuf* const copy = copy_frame(target, port, queue, *chosen[i], direction))
                copies[copied++] = copy;
        rte_ring_mp_enqueue_burst(target.ring, copies.data(), copied, nullptr);
        add(point.counts->accepted, copied);
        add(point.counts->nombuf, count - copied);
    } else {
        add(point.counts->ringfull, count);
    }
    target.reserved.fetch_sub(room, std::memory_order_release);
}

void capture(const void* point, std::uint16_t port, std::uint16_t queue, std::span<rte_mbuf*> frames,
             rte_pcapng_direction direction) noexcept {
    while (!frames.empty()) {
        const std::size_t chunk = std::min(frames.size(), kMaxChunk);
        capture_chunk(*static_cast<const CapturePoint*>(point), port, queue, frames.first(chunk), direction);
        frames = frames.subspan(chunk);
    }
}

}  // namespace

std::uint16_t capture_received(std::uint16_t port, std::uint16_t queue, rte_mbuf** frames,
                               std::uint16_t count, std::uint16_t, void* point) noexcept {
    capture(point, port, queue, {frames, count}, RTE_PCAPNG_DIRECTION_IN);
    return count;
}

std::uint16_t capture_sent(std::uint16_t port, std::uint16_t queue, rte_mbuf** frames, std::uint16_t count,
                           void* point) noexcept {
    capture(point, port, queue, {frames, count}, RTE_PCAPNG_DIRECTION_OUT);
    return count;
}

}  // namespace l2echo::dpdk
