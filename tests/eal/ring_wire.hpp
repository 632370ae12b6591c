// A port whose wire is a pair of rings that the test reads and writes: the real burst API, no mocks.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "l2echo/dpdk/mempool.hpp"

/// A name that no other object of this process uses.
inline std::string unique_name(const char* name) {
    static unsigned count = 0;
    return fmt::format("{}{}", name, count++);
}

/// A ring device, not yet configured or started, and the far side of its queues.
class WireRings {
  public:
    /// `tx_slots`: frames that fit into a TX queue (a power of two minus one: rte_ring keeps one slot free).
    explicit WireRings(unsigned tx_slots, unsigned queues = 1) {
        for (unsigned queue = 0; queue < queues; ++queue) {
            rx_.push_back(make_ring("wire_rx", 4096));
            tx_.push_back(make_ring("wire_tx", tx_slots + 1));
        }
        const int port =
            rte_eth_from_rings(unique_name("wire").c_str(), rx_.data(), queues, tx_.data(), queues, 0);
        EXPECT_GE(port, 0) << rte_strerror(rte_errno);
        port_ = static_cast<std::uint16_t>(port);
    }
    /// The port must be closed first.
    ~WireRings() {
        std::ranges::for_each(rx_, rte_ring_free);
        std::ranges::for_each(tx_, rte_ring_free);
    }
    WireRings(const WireRings&) = delete;
    WireRings& operator=(const WireRings&) = delete;

    std::uint16_t port() const { return port_; }

    /// Frames that the port sent on a queue, in order.
    std::vector<rte_mbuf*> take_mbufs(unsigned queue = 0) {
        std::vector<rte_mbuf*> frames;
        void* entry = nullptr;
        while (rte_ring_dequeue(tx_[queue], &entry) == 0)
            frames.push_back(static_cast<rte_mbuf*>(entry));
        return frames;
    }

    /// Makes the port receive a frame.
    bool give(rte_mbuf* frame, unsigned queue = 0) { return rte_ring_enqueue(rx_[queue], frame) == 0; }

  private:
    static rte_ring* make_ring(const char* name, unsigned slots) {
        return rte_ring_create(unique_name(name).c_str(), slots, SOCKET_ID_ANY,
                               RING_F_SP_ENQ | RING_F_SC_DEQ);
    }

    std::vector<rte_ring*> rx_;
    std::vector<rte_ring*> tx_;
    std::uint16_t port_ = 0;
};

/// A started port with one queue pair. The port receives what the test passes to `send()`; `take()` returns
/// what the port sent.
class RingWire {
  public:
    RingWire(std::uint32_t mbufs, std::uint16_t data_room, unsigned tx_slots)
        : pool_(unique_name("wire_pool"), mbufs, 0, data_room, SOCKET_ID_ANY), rings_(tx_slots) {
        const rte_eth_conf conf{};
        EXPECT_EQ(rte_eth_dev_configure(port(), 1, 1, &conf), 0);
        EXPECT_EQ(rte_eth_rx_queue_setup(port(), 0, 512, 0, nullptr, pool_.get()), 0);
        EXPECT_EQ(rte_eth_tx_queue_setup(port(), 0, 512, 0, nullptr), 0);
        EXPECT_EQ(rte_eth_dev_start(port()), 0);
    }
    ~RingWire() {
        EXPECT_EQ(rte_eth_dev_stop(port()), 0);
        EXPECT_EQ(rte_eth_dev_close(port()), 0);
    }
    RingWire(const RingWire&) = delete;
    RingWire& operator=(const RingWire&) = delete;

    std::uint16_t port() const { return rings_.port(); }
    unsigned mbufs_in_use() const { return rte_mempool_in_use_count(pool_.get()); }

    /// The frame, split into segments as `segment_length` says; the first segment may be empty.
    rte_mbuf* make_frame(const std::vector<std::uint8_t>& bytes, std::size_t segment_length = SIZE_MAX) {
        rte_mbuf* head = nullptr;
        std::size_t at = 0;
        do {
            rte_mbuf* segment = rte_pktmbuf_alloc(pool_.get());
            if (segment == nullptr) {
                rte_pktmbuf_free(head);
                return nullptr;
            }
            const auto length = static_cast<std::uint16_t>(std::min(segment_length, bytes.size() - at));
            if (length > 0)
                std::memcpy(rte_pktmbuf_append(segment, length), bytes.data() + at, length);
            at += length;
            if (head == nullptr)
                head = segment;
            else
                EXPECT_EQ(rte_pktmbuf_chain(head, segment), 0);
        } while (at < bytes.size());
        return head;
    }

    void send(rte_mbuf* frame) {
        ASSERT_NE(frame, nullptr);
        ASSERT_TRUE(rings_.give(frame));
    }
    void send(const std::vector<std::uint8_t>& bytes) { send(make_frame(bytes)); }

    /// Frames that the port sent, in order. Frees their mbufs, as a NIC would.
    std::vector<std::vector<std::uint8_t>> take() {
        std::vector<std::vector<std::uint8_t>> frames;
        for (rte_mbuf* mbuf : rings_.take_mbufs()) {
            std::vector<std::uint8_t> bytes;
            for (const rte_mbuf* segment = mbuf; segment != nullptr; segment = segment->next) {
                const auto* data = rte_pktmbuf_mtod(segment, const std::uint8_t*);
                bytes.insert(bytes.end(), data, data + segment->data_len);
            }
            frames.push_back(std::move(bytes));
            rte_pktmbuf_free(mbuf);
        }
        return frames;
    }

    /// Passes the frames that the port sent to a far end, and sends back what it returns.
    template <typename FarEnd>
    void turn_round(const FarEnd& far_end) {
        for (rte_mbuf* frame : far_end(rings_.take_mbufs()))
            EXPECT_TRUE(rings_.give(frame));
    }

  private:
    l2echo::dpdk::Mempool pool_;
    WireRings rings_;
};
