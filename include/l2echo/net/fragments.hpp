// Fragments of IP packets (RFC 791 3.2, RFC 8200 4.5): joining those that arrive, and splitting a packet that
// is longer than the MTU. Both use DPDK's rte_ip_frag.
#pragma once

#include <rte_ip_frag.h>
#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "l2echo/net/time.hpp"

namespace l2echo::net {

struct ReassemblySettings {
    /// Packets that wait for fragments, per IP version; rounded up to a power of two, at least 4.
    std::uint32_t packets = 128;
    /// Fragments that wait, in all: the pools of the RX queues need as many mbufs more. Linux allows 4 MiB,
    /// which is about 2000 (ipfrag_high_thresh); we hold mbufs that the port needs.
    std::uint32_t held = 512;
    Micros ipv4_timeout{30'000'000};  ///< from the first fragment to arrive, as Linux (ipfrag_time)
    Micros ipv6_timeout{60'000'000};  ///< RFC 8200 4.5
    int numa_node = -1;               ///< -1: any
};

/// Fragments by their fate. Invariant: fragments = joined + all below + held().
struct ReassemblyCounts {
    std::uint64_t fragments = 0;  ///< taken
    std::uint64_t joined = 0;     ///< left in packets, one IPv6 fragment that is a whole packet included
    std::uint64_t malformed = 0;  ///< no bytes, not a multiple of 8, or beyond 65535 bytes
    std::uint64_t unsupported =
        0;                      ///< in several mbufs, or IPv6 with other headers before the fragment header
    std::uint64_t no_room = 0;  ///< more packets or fragments wait than the settings allow
    std::uint64_t inconsistent = 0;  ///< of a packet whose fragments overlap, are too many, or occur twice
    std::uint64_t timed_out = 0;     ///< of a packet that was not complete in time
};

/// Joins the fragments that one worker receives. Owned and called by that worker. Allocates in the
/// constructor only.
///
/// No packet is made of fragments that overlap (RFC 5722; RFC 1858 for IPv4): rte_ip_frag joins fragments
/// only if each begins where another ends and their lengths add up to that of the packet, and otherwise frees
/// all of them. Its limits: a packet has at most kMaxFragments fragments, and fragments of IPv4 belong
/// together by addresses and identification alone, not by the protocol.
class Reassembly {
  public:
    /// 8 in Debian: 11,840 bytes of IPv4 payload at an MTU of 1500.
    static constexpr std::uint32_t kMaxFragments = RTE_LIBRTE_IP_FRAG_MAX_FRAG;

    /// Throws StartupError if there is not enough memory.
    explicit Reassembly(const ReassemblySettings& settings);
    /// Frees all fragments that wait.
    ~Reassembly();
    Reassembly(const Reassembly&) = delete;
    Reassembly& operator=(const Reassembly&) = delete;

    /// Takes a frame that is a fragment, whose IP header is `link_length` bytes from its start. Returns the
    /// packet that it completes, or null. The caller owns what is returned: a chain of mbufs that begins with
    /// the same link header and an IP header with the right lengths and checksum, without fragment header.
    /// Its offload flags say nothing about checksums. A frame that is not a fragment is returned as it is.
    rte_mbuf* take(rte_mbuf* frame, std::uint16_t link_length, Micros now) noexcept;

    /// Frees the fragments whose time is over. Call it at least once per second. take() does the same.
    void expire(Micros now) noexcept;

    /// The first fragment of a packet that timed out, for an ICMP error (RFC 792, RFC 8200 4.5), or null. The
    /// caller owns it: the frame as it arrived, with mbuf.l2_len as the offset of its IP header, without
    /// padding.
    rte_mbuf* take_expired() noexcept;

    /// Fragments that wait.
    std::uint32_t held() const noexcept { return held_; }
    const ReassemblyCounts& counts() const noexcept { return counts_; }

  private:
    struct Destroy {
        void operator()(rte_ip_frag_tbl* table) const noexcept { rte_ip_frag_table_destroy(table); }
    };
    using Table = std::unique_ptr<rte_ip_frag_tbl, Destroy>;

    static Table make_table(const ReassemblySettings& settings, Micros timeout);

    rte_mbuf* take_ipv4(rte_mbuf* frame, std::span<const std::byte> packet, Micros now) noexcept;
    rte_mbuf* take_ipv6(rte_mbuf* frame, std::span<const std::byte> packet, Micros now) noexcept;
    rte_mbuf* refuse(rte_mbuf* frame, std::uint64_t& reason) noexcept;
    rte_mbuf* settle(rte_mbuf* packet) noexcept;
    std::uint32_t free_lost() noexcept;
    void expire(rte_ip_frag_tbl& table, Micros now) noexcept;

    std::uint32_t max_held_;
    Table ipv4_;
    Table ipv6_;
    rte_ip_frag_death_row lost_{};
    std::array<rte_mbuf*, 32> expired_{};  // more first fragments than these are freed
    std::uint32_t expired_count_ = 0;
    std::uint32_t held_ = 0;
    ReassemblyCounts counts_;
};

struct FragmentPools {
    rte_mempool* headers = nullptr;  ///< one mbuf per fragment, with headroom for the link header
    rte_mempool* clones = nullptr;   ///< one mbuf or more per fragment; needs no data room
};

/// Splits a frame whose IP packet is longer than `mtu` bytes (at least 68 for IPv4, 1280 for IPv6), and
/// writes the fragments, each a frame with the same link header of `link_length` bytes (at most 18), to
/// `out`. Consumes the frame, and returns how many there are: 0 if they do not fit into `out`, the pools are
/// empty, the packet is not IP, or it must not be fragmented. IPv4 takes the low 16 bits of `identification`
/// (RFC 6864), IPv6 all (RFC 7739: hard to guess). Transport checksums must be in the packet already.
///
/// The fragments share the bytes of the frame: the port needs RTE_ETH_TX_OFFLOAD_MULTI_SEGS, and must not
/// have RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE.
std::uint16_t split(rte_mbuf* frame, std::uint16_t link_length, std::uint16_t mtu,
                    std::uint32_t identification, const FragmentPools& pools,
                    std::span<rte_mbuf*> out) noexcept;

}  // namespace l2echo::net
