#include "l2echo/dpdk/port.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>

#include "dpdk/port_interfaces.hpp"
#include "echo_port_under_test.hpp"
#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/machine/kernel_interface.hpp"
#include "l2echo/process/error.hpp"
#include "l2echo/server/port_rules.hpp"
#include "vdev.hpp"

namespace l2echo {
namespace {

TEST(Port, IsConfiguredAndStartedAsPlanned) {
    const Vdev null("net_null_port");
    const dpdk::Port port(null.port(), small_port_request(3), {0, 0, 0});
    EXPECT_EQ(port.name(), "net_null_port");
    EXPECT_EQ(port.driver(), "net_null");
    EXPECT_EQ(port.plan().queue_pairs, 3);
    EXPECT_TRUE(port.link().up);
    EXPECT_NE(port.mac(), 0u);
    for (std::uint16_t queue = 0; queue < 3; ++queue) {
        ASSERT_NE(port.mempool(queue), nullptr);
        EXPECT_EQ(port.mempool(queue)->size, port.plan().mbufs_per_pool);
    }
    EXPECT_NE(port.mempool(0), port.mempool(1)) << "each queue pair has its own pool";

    rte_eth_dev_info info{};
    ASSERT_EQ(rte_eth_dev_info_get(port.id(), &info), 0);
    EXPECT_EQ(info.nb_rx_queues, 3);
    EXPECT_EQ(info.nb_tx_queues, 3);
}

TEST(Port, FillsTheRedirectionTableEvenly) {
    const Vdev null("net_null_reta");
    const dpdk::Port port(null.port(), small_port_request(3), {0, 0, 0});
    ASSERT_NE(port.plan().rss_functions, 0u);
    std::vector<rte_eth_rss_reta_entry64> table(2);
    table[0].mask = table[1].mask = ~std::uint64_t{0};
    ASSERT_EQ(rte_eth_dev_rss_reta_query(port.id(), table.data(), 128), 0);
    for (unsigned entry = 0; entry < 128; ++entry)
        EXPECT_EQ(table[entry / 64].reta[entry % 64], entry % 3);
}

TEST(Port, HasTheRequestedKeyRingsAndCache) {
    const Vdev null("net_null_asked");
    dpdk::PortRequest request = small_port_request(2);
    request.rx_descriptors = 256;
    request.tx_descriptors = 512;
    request.rss_functions = RTE_ETH_RSS_UDP;
    request.rss_key.assign(40, 0x5A);
    const dpdk::Port port(null.port(), request, {0, 0});

    std::vector<std::uint8_t> key(40);
    rte_eth_rss_conf rss{};
    rss.rss_key = key.data();
    rss.rss_key_len = 40;
    ASSERT_EQ(rte_eth_dev_rss_hash_conf_get(port.id(), &rss), 0);
    EXPECT_EQ(key, request.rss_key);
    EXPECT_EQ(rss.rss_hf, RTE_ETH_RSS_UDP);
    for (std::uint16_t queue = 0; queue < 2; ++queue) {
        EXPECT_EQ(port.mempool(queue)->cache_size, request.mempool_cache);
        EXPECT_EQ(port.mempool(queue)->size, dpdk::mbufs_needed(256, 512, 32, 32));
        EXPECT_GE(port.mempool_node(queue), -1);
    }
}

TEST(Port, WarnsOfFlowControlOfAVdevOnlyIfItWasAskedFor) {
    const auto warns = [](dpdk::FlowControl wanted) {
        const Vdev null("net_null_pause");
        dpdk::PortRequest request = small_port_request(1);
        request.flow_control = wanted;
        const dpdk::Port port(null.port(), request, {0});
        return std::ranges::any_of(port.plan().warnings, [](const std::string& warning) {
            return warning.find("flow control") != std::string::npos;
        });
    };
    EXPECT_FALSE(warns(dpdk::FlowControl::Off));
    EXPECT_FALSE(warns(dpdk::FlowControl::Keep));
    EXPECT_TRUE(warns(dpdk::FlowControl::On));
}

TEST(Port, LeavesNothingBehind) {
    {
        const Vdev null("net_null_gone");
        const dpdk::Port port(null.port(), small_port_request(1), {0});
        EXPECT_NE(rte_mempool_lookup(fmt::format("echo_p{}_q0", port.id()).c_str()), nullptr);
    }
    for (std::uint16_t id = 0; id < RTE_MAX_ETHPORTS; ++id)
        EXPECT_EQ(rte_mempool_lookup(fmt::format("echo_p{}_q0", id).c_str()), nullptr);
    EXPECT_EQ(rte_eth_dev_count_avail(), 0);
}

TEST(Port, ReturnsEveryMbufWhenItCloses) {
    const Vdev null("net_null_mbufs", "copy=1,size=64");
    rte_mempool* pool = nullptr;
    const dpdk::Mempool keep("keep", 255, 0, 2176, SOCKET_ID_ANY);  // an unrelated pool must stay untouched
    {
        const dpdk::Port port(null.port(), small_port_request(1), {0});
        pool = port.mempool(0);
        EchoPortUnderTest echo_port;
        echo::EchoPair pair({.queue_pair = {.port = port.id()}}, echo_port.port());
        echo_port.rules().raw = true;
        for (int turn = 0; turn < 1000; ++turn)
            EXPECT_EQ(pair.poll(rte_rdtsc()), 32);
        EXPECT_EQ(counts_of(pair)[verdict::Count::Echoed], 32'000u);
        EXPECT_EQ(rte_mempool_in_use_count(pool), 0u);
    }
    EXPECT_EQ(rte_mempool_in_use_count(keep.get()), 0u);
}

TEST(Port, ReceivesNothingWithAnEmptyPoolAndRecovers) {
    const Vdev null("net_null_empty");
    const dpdk::Port port(null.port(), small_port_request(1), {0});
    EchoPortUnderTest echo_port;
    echo::EchoPair pair({.queue_pair = {.port = port.id()}}, echo_port.port());
    echo_port.rules().raw = true;
    std::vector<rte_mbuf*> hoard;
    while (rte_mbuf* mbuf = rte_pktmbuf_alloc(port.mempool(0)))
        hoard.push_back(mbuf);
    EXPECT_EQ(pair.poll(rte_rdtsc()), 0);
    rte_pktmbuf_free_bulk(hoard.data(), static_cast<unsigned>(hoard.size()));
    EXPECT_EQ(pair.poll(rte_rdtsc()), 32);
}

TEST(Port, AdjustsDescriptorsAsEthdevDoes) {
    const Vdev null("net_null_desc");
    rte_eth_dev_info info{};
    ASSERT_EQ(rte_eth_dev_info_get(null.port(), &info), 0);
    for (const std::uint16_t wanted : {1, 7, 100, 1000, 1024, 4096, 30'000}) {
        std::uint16_t rx = wanted;
        std::uint16_t tx = wanted;
        ASSERT_EQ(rte_eth_dev_adjust_nb_rx_tx_desc(null.port(), &rx, &tx), 0);
        EXPECT_EQ(dpdk::fit_descriptors(wanted, info.rx_desc_lim), rx);
        EXPECT_EQ(dpdk::fit_descriptors(wanted, info.tx_desc_lim), tx);
    }
}

TEST(Port, RejectsAnMtuAsEthdevWould) {
    const Vdev null("net_null_mtu");
    dpdk::PortRequest request = small_port_request(1);
    request.mtu = 65'000;
    try {
        const dpdk::Port port(null.port(), request, {0});
        // A device without a limit accepts any MTU: then ethdev must have accepted it too.
        EXPECT_EQ(port.plan().mtu, 65'000);
    } catch (const process::StartupError& error) {
        EXPECT_NE(std::string(error.what()).find("net_null_mtu"), std::string::npos) << error.what();
    }
}

TEST(Port, PoolThatDoesNotFitSaysHowMuchMemoryAndWhatToDo) {
    const Vdev null("net_null_big");
    dpdk::PortRequest request = small_port_request(1);
    request.rx_descriptors = 32'768;
    request.mtu = 60'000;
    try {
        const dpdk::Port port(null.port(), request, {0});
        FAIL() << "2 GiB of mbufs fitted into 512 MiB";
    } catch (const process::StartupError& error) {
        const std::string message = error.what();
        EXPECT_NE(message.find("MiB) on NUMA node"), std::string::npos) << message;
        EXPECT_NE(message.find("raise -m"), std::string::npos) << message;
        EXPECT_EQ(message.find("hugepages"), std::string::npos) << "no hugepages are in use: " << message;
        EXPECT_NE(message.find("--rx-descriptors"), std::string::npos) << message;
    }
    EXPECT_EQ(rte_mempool_lookup(fmt::format("echo_p{}_q0", null.port()).c_str()), nullptr);
}

TEST(Port, VirtualDeviceHasNoKernelInterface) {
    const Vdev null("net_null_kernel");
    EXPECT_TRUE(dpdk::kernel_interfaces_of(null.port()).empty());
    EXPECT_EQ(dpdk::driver_of(null.port()), "net_null");
}

TEST(Port, LoopRuleUsesTheOwnMacAndTheMtuSetsTheLimit) {
    const Vdev null("net_null_rules");
    const dpdk::Port port(null.port(), small_port_request(1), {0});
    const echo::WireRules rules({}, server::describe_for_rules(port, {port.mac()}));
    EXPECT_TRUE(rules.own_macs.contains(port.mac()));
    EXPECT_EQ(rules.max_untagged_length, 1514u);
}

}  // namespace
}  // namespace l2echo
