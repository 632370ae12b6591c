// rte_ip_frag_table_del_expired_entries() was experimental up to DPDK 22.11.
#define ALLOW_EXPERIMENTAL_API

#include "l2echo/net/fragments.hpp"

#include <rte_ip.h>

#include <algorithm>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::net {
namespace {

constexpr std::uint32_t kFragmentHeader = 8;
constexpr std::uint32_t kFragmentUnit = 8;
constexpr std::uint32_t kMaxPacket = 0xFFFF;  // IPv4: with its header; IPv6: without
constexpr std::uint32_t kMaxLinkHeader = 18;  // Ethernet with one VLAN tag
constexpr std::uint32_t kPrefetch = 3;        // as DPDK's example ip_reassembly
constexpr std::byte kNextIsFragment{44};

std::byte* ip_of(rte_mbuf& frame) noexcept {
    return rte_pktmbuf_mtod_offset(&frame, std::byte*, frame.l2_len);
}

unsigned version_of(const std::byte* ip) noexcept {
    return std::to_integer<unsigned>(ip[0]) >> 4;
}

std::uint64_t ticks(Micros now) noexcept {
    return static_cast<std::uint64_t>(now.count());
}

bool is_first_fragment(rte_mbuf& frame) noexcept {
    const std::byte* ip = ip_of(frame);
    return version_of(ip) == 4 ? (wire::load_be16(ip + 6) & RTE_IPV4_HDR_OFFSET_MASK) == 0
                               : wire::load_be16(ip + wire::kIpv6HeaderLength + 2) < kFragmentUnit;
}

/// What the device found out about one fragment is not true of the packet.
void forget_checksums(rte_mbuf& packet) noexcept {
    packet.ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
}

void store_ipv4_checksum(std::byte* ip) noexcept {
    const std::size_t length = 4 * (std::to_integer<std::size_t>(ip[0]) & 0xF);
    wire::store_be16(ip + 10, 0);
    wire::store_checksum(ip + 10, wire::sum_of({ip, length}));
}

/// True if the length fields say what there is, which has 16 bits only.
bool has_right_length(rte_mbuf& packet) noexcept {
    const std::byte* ip = ip_of(packet);
    const std::uint32_t says =
        version_of(ip) == 4 ? wire::load_be16(ip + 2) : wire::kIpv6HeaderLength + wire::load_be16(ip + 4);
    return says == packet.pkt_len - packet.l2_len;
}

/// Removes the fragment header of a packet that is not fragmented (RFC 6946).
void remove_fragment_header(rte_mbuf& frame) noexcept {
    std::byte* ip = ip_of(frame);
    ip[6] = ip[wire::kIpv6HeaderLength];
    wire::store_be16(ip + 4, static_cast<std::uint16_t>(wire::load_be16(ip + 4) - kFragmentHeader));
    auto* start = rte_pktmbuf_mtod(&frame, std::byte*);
    std::memmove(start + kFragmentHeader, start, frame.l2_len + wire::kIpv6HeaderLength);
    rte_pktmbuf_adj(&frame, kFragmentHeader);
}

}  // namespace

rte_mbuf* Reassembly::refuse(rte_mbuf* frame, std::uint64_t& reason) noexcept {
    ++reason;
    rte_pktmbuf_free(frame);
    return nullptr;
}

/// Frees what the library gave up, and returns how many fragments that were: some may be chained already.
std::uint32_t Reassembly::free_lost() noexcept {
    std::uint32_t fragments = 0;
    for (std::uint32_t i = 0; i < lost_.cnt; ++i)
        fragments += lost_.row[i]->nb_segs;
    rte_ip_frag_free_death_row(&lost_, kPrefetch);
    return fragments;
}

/// Counts what the library did with one more fragment, for which `packet` is its answer.
rte_mbuf* Reassembly::settle(rte_mbuf* packet) noexcept {
    ++held_;
    const std::uint32_t lost = free_lost();
    held_ -= lost;
    // Expired packets are gone before. A packet in error has two fragments at least, this one included.
    (lost == 1 ? counts_.no_room : counts_.inconsistent) += lost;
    if (packet == nullptr)
        return nullptr;
    held_ -= packet->nb_segs;
    if (!has_right_length(*packet)) {
        counts_.malformed += packet->nb_segs;
        rte_pktmbuf_free(packet);
        return nullptr;
    }
    counts_.joined += packet->nb_segs;
    forget_checksums(*packet);
    return packet;
}

rte_mbuf* Reassembly::take_ipv4(rte_mbuf* frame, std::span<const std::byte> packet, Micros now) noexcept {
    wire::Ipv4Header header;
    const wire::HeaderRead read = wire::read_header(packet, header);
    if (!read)
        return refuse(frame, counts_.malformed);
    if (!header.is_fragment()) {
        --counts_.fragments;
        return frame;
    }
    const std::uint32_t bytes = header.total_length - read.length;
    if (bytes == 0 || (header.more_fragments && bytes % kFragmentUnit != 0) ||
        header.fragment_offset + bytes + wire::kIpv4HeaderLength > kMaxPacket)
        return refuse(frame, counts_.malformed);
    rte_pktmbuf_trim(frame, static_cast<std::uint16_t>(packet.size() - header.total_length));
    if (held_ >= max_held_)
        return refuse(frame, counts_.no_room);
    frame->l3_len = read.length;
    rte_mbuf* joined = settle(rte_ipv4_frag_reassemble_packet(
        ipv4_.get(), &lost_, frame, ticks(now), reinterpret_cast<rte_ipv4_hdr*>(ip_of(*frame))));
    if (joined != nullptr)
        store_ipv4_checksum(ip_of(*joined));
    return joined;
}

rte_mbuf* Reassembly::take_ipv6(rte_mbuf* frame, std::span<const std::byte> packet, Micros now) noexcept {
    constexpr std::uint32_t kHeaders = wire::kIpv6HeaderLength + kFragmentHeader;
    wire::Ipv6Header header;
    // The headers of a first fragment must be complete (RFC 7112 5).
    if (!wire::read_header(packet, header))
        return refuse(frame, counts_.malformed);
    if (!header.is_fragment()) {
        --counts_.fragments;
        return frame;
    }
    if (packet[6] != kNextIsFragment)
        return refuse(frame, counts_.unsupported);
    rte_pktmbuf_trim(frame, static_cast<std::uint16_t>(packet.size() - header.total_length));
    const std::uint16_t field = wire::load_be16(packet.data() + wire::kIpv6HeaderLength + 2);
    const std::uint32_t offset = field & 0xFFF8U;
    const bool more = (field & 1) != 0;
    if (offset == 0 && !more) {
        ++counts_.joined;
        remove_fragment_header(*frame);
        forget_checksums(*frame);
        return frame;
    }
    const std::uint32_t bytes = header.total_length - kHeaders;
    if (bytes == 0 || (more && bytes % kFragmentUnit != 0) || offset + bytes > kMaxPacket)
        return refuse(frame, counts_.malformed);
    if (held_ >= max_held_)
        return refuse(frame, counts_.no_room);
    frame->l3_len = kHeaders;
    std::byte* ip = ip_of(*frame);
    return settle(rte_ipv6_frag_reassemble_packet(
        ipv6_.get(), &lost_, frame, ticks(now), reinterpret_cast<rte_ipv6_hdr*>(ip),
        reinterpret_cast<rte_ipv6_fragment_ext*>(ip + wire::kIpv6HeaderLength)));
}

rte_mbuf* Reassembly::take(rte_mbuf* frame, std::uint16_t link_length, Micros now) noexcept {
    ++counts_.fragments;
    if (frame->nb_segs != 1)
        return refuse(frame, counts_.unsupported);
    if (frame->data_len <= link_length)
        return refuse(frame, counts_.malformed);
    expire(now);
    frame->l2_len = link_length;
    const std::byte* ip = ip_of(*frame);
    const std::span<const std::byte> packet(ip, frame->data_len - std::size_t{link_length});
    return version_of(ip) == 4 ? take_ipv4(frame, packet, now) : take_ipv6(frame, packet, now);
}

void Reassembly::expire(rte_ip_frag_tbl& table, Micros now) noexcept {
    do {
        rte_ip_frag_table_del_expired_entries(&table, &lost_, ticks(now));
        for (std::uint32_t i = 0; i < lost_.cnt; ++i) {
            rte_mbuf*& frame = lost_.row[i];
            if (expired_count_ == expired_.size() || !is_first_fragment(*frame))
                continue;
            expired_[expired_count_++] = frame;
            --held_;
            ++counts_.timed_out;
            frame = lost_.row[--lost_.cnt];
            --i;
        }
        const std::uint32_t lost = free_lost();
        held_ -= lost;
        counts_.timed_out += lost;
        if (lost == 0)
            return;
    } while (true);
}

void Reassembly::expire(Micros now) noexcept {
    expire(*ipv4_, now);
    expire(*ipv6_, now);
}

rte_mbuf* Reassembly::take_expired() noexcept {
    return expired_count_ == 0 ? nullptr : expired_[--expired_count_];
}

std::uint16_t split(rte_mbuf* frame, std::uint16_t link_length, std::uint16_t mtu,
                    std::uint32_t identification, const FragmentPools& pools,
                    std::span<rte_mbuf*> out) noexcept {
    std::array<std::byte, kMaxLinkHeader> link;
    if (link_length > link.size() || frame->data_len < link_length + wire::kIpv4HeaderLength) {
        rte_pktmbuf_free(frame);
        return 0;
    }
    std::memcpy(link.data(), rte_pktmbuf_mtod(frame, const std::byte*), link_length);
    auto* ip = reinterpret_cast<std::byte*>(rte_pktmbuf_adj(frame, link_length));
    const unsigned version = version_of(ip);
    const auto room = static_cast<std::uint16_t>(std::min<std::size_t>(out.size(), 0xFFFF));
    int count = 0;
    if (version == 4) {
        wire::store_be16(ip + 4, static_cast<std::uint16_t>(identification));
        count = rte_ipv4_fragment_packet(frame, out.data(), room, mtu, pools.headers, pools.clones);
    } else if (version == 6 && frame->data_len >= wire::kIpv6HeaderLength) {
        count = rte_ipv6_fragment_packet(frame, out.data(), room, mtu, pools.headers, pools.clones);
    }
    rte_pktmbuf_free(frame);  // the fragments refer to its bytes
    for (rte_mbuf* fragment : out.first(static_cast<std::size_t>(std::max(count, 0)))) {
        auto* header = rte_pktmbuf_mtod(fragment, std::byte*);
        if (version == 4)
            store_ipv4_checksum(header);
        else
            wire::store_be32(header + wire::kIpv6HeaderLength + 4, identification);
        std::memcpy(rte_pktmbuf_prepend(fragment, link_length), link.data(), link_length);
        fragment->l2_len = link_length;
    }
    return static_cast<std::uint16_t>(std::max(count, 0));
}

}  // namespace l2echo::net
