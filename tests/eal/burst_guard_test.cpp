#include "dpdk/datapath/burst_guard.hpp"

#include <gtest/gtest.h>
#include <rte_alarm.h>
#include <rte_ethdev.h>
#include <sys/mman.h>

#include <future>

#include "l2echo/dpdk/polling_lcore.hpp"
#include "l2echo/dpdk/port.hpp"
#include "ring_wire.hpp"
#include "vdev.hpp"

namespace l2echo::dpdk {
namespace {

unsigned rx_bursts = 0;
unsigned tx_bursts = 0;

std::uint16_t receive_one(void* /*queue*/, rte_mbuf** /*frames*/, std::uint16_t /*count*/) {
    ++rx_bursts;
    return 1;
}
std::uint16_t send_all(void* /*queue*/, rte_mbuf** /*frames*/, std::uint16_t count) {
    ++tx_bursts;
    return count;
}

/// As a driver does when a peer has left.
void unmap_on_interrupt_thread() {
    std::promise<void> done;
    const auto unmap = [](void* argument) {
        void* const page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT_EQ(munmap(page, 4096), 0);
        static_cast<std::promise<void>*>(argument)->set_value();
    };
    ASSERT_EQ(rte_eal_alarm_set(1, unmap, &done), 0);
    done.get_future().wait();
}

/// A started port whose driver counts bursts, and whose link the test sets.
class BurstGuardTest : public testing::Test {
  protected:
    void SetUp() override {
        rte_eth_fp_ops[port_].rx_pkt_burst = receive_one;
        rte_eth_fp_ops[port_].tx_pkt_burst = send_all;
        rx_bursts = tx_bursts = 0;
    }

    std::uint16_t receive(std::uint16_t queue = 0) { return rte_eth_rx_burst(port_, queue, &frame_, 1); }
    std::uint16_t send(std::uint16_t queue = 0) { return rte_eth_tx_burst(port_, queue, &frame_, 1); }

    const WireRings rings_{127, 2};
    const std::uint16_t port_ = rings_.port();
    const Port started_{port_, small_port_request(2), {0, 0}};
    rte_mbuf* frame_ = nullptr;
};

TEST_F(BurstGuardTest, CallsTheDriverOnlyOnceTheLinkIsUp) {
    ASSERT_EQ(rte_eth_dev_set_link_down(port_), 0);
    const BurstGuard guard(port_, 2);
    for (const std::uint16_t queue : {0, 1}) {
        EXPECT_EQ(receive(queue), 0);
        EXPECT_EQ(send(queue), 0);
    }
    EXPECT_EQ(rx_bursts + tx_bursts, 0u);

    ASSERT_EQ(rte_eth_dev_set_link_up(port_), 0);
    for (const std::uint16_t queue : {0, 1}) {
        EXPECT_EQ(receive(queue), 1);
        EXPECT_EQ(send(queue), 1);
    }
    EXPECT_EQ(rx_bursts, 2u);
    EXPECT_EQ(tx_bursts, 2u);
}

TEST_F(BurstGuardTest, LooksAgainAfterTheDriverHasUnmappedMemory) {
    const BurstGuard guard(port_, 2);
    EXPECT_EQ(receive(), 1);
    ASSERT_EQ(rte_eth_dev_set_link_down(port_), 0);
    unmap_on_interrupt_thread();
    EXPECT_EQ(receive(), 0);
    EXPECT_EQ(send(), 0);
    ASSERT_EQ(rte_eth_dev_set_link_up(port_), 0);
    EXPECT_EQ(receive(), 1);
}

}  // namespace
}  // namespace l2echo::dpdk
