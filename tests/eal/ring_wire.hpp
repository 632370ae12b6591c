// A port whose two ends of the wire are rings in our hands: the real burst API, no mocks.
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

#include "l2echo/device/mempool.hpp"

/// A started port with one queue pair. What is put into `send()` is what it receives; `take()` has what it
/// sent.
class RingWire {
  public:
    /// `tx_slots` frames fit into its TX queue (a power of two less one: rte_ring keeps one slot free).
    RingWire(std::uint32_t mbufs, std::uint16_t data_room, unsigned tx_slots)
        : pool_(unique("wire_pool"), mbufs, 0, data_room, SOCKET_ID_ANY),
          rx_(rte_ring_create(unique("wire_rx").c_str(), 4096, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ)),
          tx_(rte_ring_create(unique("wire_tx").c_str(), tx_slots + 1, SOCKET_ID_ANY,
                              RING_F_SP_ENQ | RING_F_SC_DEQ)) {
        const int port = rte_eth_from_rings(unique("wire").c_str(), &rx_, 1, &tx_, 1, 0);
        EXPECT_GE(port, 0) << rte_strerror(rte_errno);
        port_ = static_cast<std::uint16_t>(port);
        const rte_eth_conf conf{};
        EXPECT_EQ(rte_eth_dev_configure(port_, 1, 1, &conf), 0);
        EXPECT_EQ(rte_eth_rx_queue_setup(port_, 0, 512, 0, nullptr, pool_.get()), 0);
        EXPECT_EQ(rte_eth_tx_queue_setup(port_, 0, 512, 0, nullptr), 0);
        EXPECT_EQ(rte_eth_dev_start(port_), 0);
    }
    ~RingWire() {
        EXPECT_EQ(rte_eth_dev_stop(port_), 0);
        EXPECT_EQ(rte_eth_dev_close(port_), 0);
        rte_ring_free(rx_);
        rte_ring_free(tx_);
    }
    RingWire(const RingWire&) = delete;
    RingWire& operator=(const RingWire&) = delete;

    std::uint16_t port() const { return port_; }
    unsigned mbufs_in_use() const { return rte_mempool_in_use_count(pool_.get()); }

    /// The frame in as many segments as `segment_length` asks for; the first may be empty of bytes.
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
        ASSERT_EQ(rte_ring_enqueue(rx_, frame), 0);
    }
    void send(const std::vector<std::uint8_t>& bytes) { send(make_frame(bytes)); }

    /// Frames that the port sent, in order; frees their mbufs, as a NIC would.
    std::vector<std::vector<std::uint8_t>> take() {
        std::vector<std::vector<std::uint8_t>> frames;
        void* entry = nullptr;
        while (rte_ring_dequeue(tx_, &entry) == 0) {
            auto* mbuf = static_cast<rte_mbuf*>(entry);
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

    /// Lets a far end have what the port sent and sends back what it returns.
    template <typename FarEnd>
    void turn_round(const FarEnd& far_end) {
        std::vector<rte_mbuf*> frames;
        void* entry = nullptr;
        while (rte_ring_dequeue(tx_, &entry) == 0)
            frames.push_back(static_cast<rte_mbuf*>(entry));
        for (rte_mbuf* frame : far_end(std::move(frames)))
            EXPECT_EQ(rte_ring_enqueue(rx_, frame), 0);
    }

  private:
    static std::string unique(const char* name) {
        static unsigned count = 0;
        return fmt::format("{}{}", name, count++);
    }

    l2echo::Mempool pool_;
    rte_ring* rx_;
    rte_ring* tx_;
    std::uint16_t port_ = 0;
};
