// Other programs' loops over a burst, written from their descriptions: the peers of swap_burst().
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace l2echo {

/// Prefetches all frames, then reads the first bytes of each, and writes nothing: the minimum cost of any
/// echo for frames that are not in the cache. Frames have at least 16 bytes, as for all functions here.
void touch_headers(std::span<rte_mbuf*> burst) noexcept;

/// Frame by frame, three copies of an address, no prefetch: the obvious loop.
void swap_by_copies(std::span<rte_mbuf*> burst) noexcept;

/// A 16-byte shuffle per frame and nothing else, prefetching the header this many frames ahead; 0: no
/// prefetch.
void swap_ahead(std::span<rte_mbuf*> burst, std::size_t ahead) noexcept;

/// The work of testpmd's macswap on each frame (DPDK, "Testpmd Application User Guide", and its statistics of
/// memory accesses): the same 16-byte shuffle as ours, four frames at a time, with the next four prefetched
/// while at least eight remain. It also writes ol_flags, l2_len and l3_len of each mbuf, which a plain echo
/// does not need.
void swap_like_testpmd(std::span<rte_mbuf*> burst) noexcept;

struct TestpmdPoll {
    std::uint16_t received;
    std::uint16_t sent;  ///< the rest was dropped
};

/// One iteration of testpmd's loop around that: a burst of up to 32 from queue 0 and back.
TestpmdPoll testpmd_poll(std::uint16_t port) noexcept;

}  // namespace l2echo
