#include "burst_loops.hpp"

#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "echo/datapath/header_vector.hpp"

namespace l2echo {
namespace {

constexpr std::size_t kGroup = 4;
constexpr std::uint16_t kBurst = 32;

void set_send_fields(rte_mbuf& frame) noexcept {
    frame.ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
    frame.l2_len = sizeof(rte_ether_hdr);
    frame.l3_len = sizeof(rte_ipv4_hdr);
}

void swap_one(rte_mbuf& frame) noexcept {
    auto* header = rte_pktmbuf_mtod(&frame, rte_ether_hdr*);
    rte_ether_addr address;
    rte_ether_addr_copy(&header->dst_addr, &address);
    rte_ether_addr_copy(&header->src_addr, &header->dst_addr);
    rte_ether_addr_copy(&address, &header->src_addr);
}

}  // namespace

void touch_headers(std::span<rte_mbuf*> burst) noexcept {
    for (const rte_mbuf* frame : burst)
        rte_prefetch0(rte_pktmbuf_mtod(frame, const std::byte*));
    for (const rte_mbuf* frame : burst) {
        const echo::HeaderVector header = echo::load_header(rte_pktmbuf_mtod(frame, const std::byte*));
        asm volatile("" : : "m"(header));  // unused, but must be read
    }
}

void swap_by_copies(std::span<rte_mbuf*> burst) noexcept {
    for (rte_mbuf* frame : burst)
        swap_one(*frame);
}

void swap_ahead(std::span<rte_mbuf*> burst, std::size_t ahead) noexcept {
    const auto prefetch = [&](std::size_t i) { rte_prefetch0(rte_pktmbuf_mtod(burst[i], const std::byte*)); };
    if (ahead > 0)
        for (std::size_t i = 0; i < std::min(ahead, burst.size()); ++i)
            prefetch(i);
    for (std::size_t i = 0; i < burst.size(); ++i) {
        if (ahead > 0 && i + ahead < burst.size())
            prefetch(i + ahead);
        auto* data = rte_pktmbuf_mtod(burst[i], std::byte*);
        echo::store_swapped(data, echo::load_header(data));
    }
}

void swap_like_testpmd(std::span<rte_mbuf*> burst) noexcept {
    std::size_t i = 0;
    for (; i + kGroup <= burst.size(); i += kGroup) {
        if (i + 2 * kGroup <= burst.size())
            for (std::size_t next = i + kGroup; next < i + 2 * kGroup; ++next)
                rte_prefetch0(rte_pktmbuf_mtod(burst[next], const std::byte*));
        echo::FourHeaders headers;
        for (std::size_t k = 0; k < kGroup; ++k)
            headers[k] = echo::load_header(rte_pktmbuf_mtod(burst[i + k], const std::byte*));
        for (std::size_t k = 0; k < kGroup; ++k) {
            echo::store_swapped(rte_pktmbuf_mtod(burst[i + k], std::byte*), headers[k]);
            set_send_fields(*burst[i + k]);
        }
    }
    for (; i < burst.size(); ++i) {
        swap_one(*burst[i]);
        set_send_fields(*burst[i]);
    }
}

TestpmdPoll testpmd_poll(std::uint16_t port) noexcept {
    std::array<rte_mbuf*, kBurst> burst;
    const std::uint16_t received = rte_eth_rx_burst(port, 0, burst.data(), kBurst);
    if (received == 0)
        return {0, 0};
    swap_like_testpmd({burst.data(), received});
    const std::uint16_t sent = rte_eth_tx_burst(port, 0, burst.data(), received);
    rte_pktmbuf_free_bulk(burst.data() + sent, received - sent);
    return {received, sent};
}

}  // namespace l2echo
