// What others do to a burst of frames, written from their descriptions: the peers of swap_burst().
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace l2echo {

/// Reads the first bytes of every frame, all prefetched first, and writes nothing: the least that any echo
/// pays for frames that are not in the cache. Frames of at least 16 bytes, as in all of these.
void touch_headers(std::span<rte_mbuf*> burst) noexcept;

/// One frame after the other, three copies of an address, no prefetch: the loop that one writes first.
void swap_by_copies(std::span<rte_mbuf*> burst) noexcept;

/// A 16-byte shuffle a frame and nothing else, with the header so many frames ahead prefetched; 0: none.
void swap_ahead(std::span<rte_mbuf*> burst, std::size_t ahead) noexcept;

/// The work of testpmd's macswap for each frame (DPDK, "Testpmd Application User Guide", and its statistics
/// of memory accesses): the same 16-byte shuffle as ours, four frames at a time, the next four prefetched
/// while there are eight; and ol_flags, l2_len and l3_len of each mbuf written, though a plain echo needs
/// none of them.
void swap_like_testpmd(std::span<rte_mbuf*> burst) noexcept;

struct TestpmdPoll {
    std::uint16_t received;
    std::uint16_t sent;  ///< the others were dropped
};

/// testpmd's loop around that, once: a burst of up to 32 from queue 0 and back.
TestpmdPoll testpmd_poll(std::uint16_t port) noexcept;

}  // namespace l2echo
