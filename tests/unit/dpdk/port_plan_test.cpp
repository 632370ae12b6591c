#include "l2echo/dpdk/port_plan.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// A typical NIC: RSS over many queues, MTU up to 9710, the usual offloads.
rte_eth_dev_info ordinary_nic() {
    rte_eth_dev_info info{};
    info.driver_name = "net_test";
    info.max_rx_queues = 64;
    info.max_tx_queues = 64;
    info.min_mtu = 68;
    info.max_mtu = 9710;
    info.max_rx_pktlen = 9728;
    info.min_rx_bufsize = 1024;
    info.reta_size = 128;
    info.hash_key_size = 40;
    info.flow_type_rss_offloads = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP;
    info.rx_desc_lim = {.nb_max = 4096, .nb_min = 64, .nb_align = 32, .nb_seg_max = 0, .nb_mtu_seg_max = 0};
    info.tx_desc_lim = info.rx_desc_lim;
    info.rx_offload_capa = RTE_ETH_RX_OFFLOAD_SCATTER | RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
    info.tx_offload_capa = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    return info;
}

PortRequest request_for(std::uint16_t workers) {
    PortRequest request;
    request.queue_pairs = workers;
    return request;
}

std::string message_of(const rte_eth_dev_info& info, const PortRequest& request) {
    try {
        plan_port(info, request);
    } catch (const process::StartupError& error) {
        return error.what();
    }
    return "no error";
}

bool contains(const std::vector<std::string>& lines, const std::string& words) {
    for (const std::string& line : lines)
        if (line.find(words) != std::string::npos)
            return true;
    return false;
}

TEST(PortPlan, TypicalNicGetsAQueuePairPerWorkerAndRss) {
    const PortPlan plan = plan_port(ordinary_nic(), request_for(3));
    EXPECT_EQ(plan.queue_pairs, 3);
    EXPECT_EQ(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_RSS);
    EXPECT_EQ(plan.rx_descriptors, 1024);
    EXPECT_EQ(plan.mtu, 1500);
    EXPECT_EQ(plan.conf.rxmode.mtu, 1500u);
    EXPECT_TRUE(plan.notes.empty());
    EXPECT_TRUE(plan.warnings.empty());
}

TEST(PortPlan, HashFunctionsAreMaskedByTheDeviceCapabilities) {
    const PortPlan plan = plan_port(ordinary_nic(), request_for(2));
    EXPECT_EQ(plan.rss_functions, RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);
    EXPECT_EQ(plan.conf.rx_adv_conf.rss_conf.rss_hf, plan.rss_functions);
}

TEST(PortPlan, OfferedModifierBitsAreNotRequested) {
    rte_eth_dev_info info = ordinary_nic();
    info.flow_type_rss_offloads = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(plan_port(info, request_for(2)).rss_functions, kDefaultRssFunctions);
}

TEST(PortPlan, SingleQueueNeedsNoRss) {
    const PortPlan plan = plan_port(ordinary_nic(), request_for(1));
    EXPECT_EQ(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
    EXPECT_EQ(plan.rss_functions, 0u);
}

TEST(PortPlan, FewerQueuesThanWorkersIsReported) {
    rte_eth_dev_info info = ordinary_nic();
    info.max_rx_queues = 1;
    const PortPlan plan = plan_port(info, request_for(3));
    EXPECT_EQ(plan.queue_pairs, 1);
    EXPECT_TRUE(contains(plan.notes, "Device supports max_rx_queues=1, limiting nb_rx_queues to that"));
}

TEST(PortPlan, FewerTxThanRxQueuesLimitBoth) {
    rte_eth_dev_info info = ordinary_nic();
    info.max_tx_queues = 2;
    const PortPlan plan = plan_port(info, request_for(3));
    EXPECT_EQ(plan.queue_pairs, 2);
    EXPECT_TRUE(contains(plan.notes, "Device supports max_tx_queues=2, limiting nb_tx_queues to that"));
}

TEST(PortPlan, DeviceWithoutQueuesIsAnError) {
    rte_eth_dev_info info = ordinary_nic();
    info.max_tx_queues = 0;
    EXPECT_NE(message_of(info, request_for(1)).find("64 RX and 0 TX queues"), std::string::npos);
}

TEST(PortPlan, MultipleQueuesWithoutRssAreReportedAndUsed) {
    rte_eth_dev_info info = ordinary_nic();
    info.flow_type_rss_offloads = 0;
    const PortPlan plan = plan_port(info, request_for(2));
    EXPECT_EQ(plan.queue_pairs, 2);
    EXPECT_EQ(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
    EXPECT_TRUE(contains(plan.notes, "no RSS"));
}

TEST(PortPlan, MissingHashFunctionsAreNamed) {
    PortRequest request = request_for(2);
    request.rss_functions = RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP;
    const PortPlan plan = plan_port(ordinary_nic(), request);
    EXPECT_EQ(plan.rss_functions, RTE_ETH_RSS_UDP);
    EXPECT_TRUE(contains(plan.warnings, "does not offer sctp; it offers ip,tcp,udp"));

    request.rss_functions = RTE_ETH_RSS_SCTP;
    EXPECT_TRUE(contains(plan_port(ordinary_nic(), request).warnings, "does not offer sctp"));
}

TEST(PortPlan, PartiallyOfferedFunctionCountsAsOffered) {
    rte_eth_dev_info info = ordinary_nic();
    info.flow_type_rss_offloads =
        RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV4_UDP;  // the set that ixgbe offers
    PortRequest request = request_for(2);
    request.rss_functions = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;
    EXPECT_TRUE(plan_port(info, request).warnings.empty());
}

TEST(PortPlan, RssNoneDisablesRssSilently) {
    PortRequest request = request_for(2);
    request.rss_functions = 0;
    const PortPlan plan = plan_port(ordinary_nic(), request);
    EXPECT_EQ(plan.conf.rxmode.mq_mode, RTE_ETH_MQ_RX_NONE);
    EXPECT_TRUE(plan.notes.empty());
    EXPECT_TRUE(plan.warnings.empty());
}

TEST(PortPlan, RssKeyOfWrongLengthIsAnErrorThatNamesTheRightOne) {
    PortRequest request = request_for(2);
    request.rss_key.resize(52);
    EXPECT_NE(message_of(ordinary_nic(), request).find("52 bytes, the device takes 40; give 80"),
              std::string::npos);
    request.rss_key.resize(40);
    EXPECT_EQ(plan_port(ordinary_nic(), request).rss_key.size(), 40u);
}

TEST(PortPlan, DriverWithoutAKeyLengthGetsTheUsual40Bytes) {
    rte_eth_dev_info info = ordinary_nic();
    info.hash_key_size = 0;
    PortRequest request = request_for(2);
    request.rss_key.resize(2);
    EXPECT_NE(message_of(info, request).find("2 bytes, the device takes 40"), std::string::npos);
    request.rss_key.resize(40);
    EXPECT_EQ(plan_port(info, request).rss_key.size(), 40u);
}

TEST(PortPlan, MemifWithSeveralQueuesWarnsThatThePeerNeedsAsMany) {
    rte_eth_dev_info info = ordinary_nic();
    info.driver_name = "net_memif";
    EXPECT_TRUE(contains(plan_port(info, request_for(2)).warnings, "give the peer 2 RX and TX queues"));
    EXPECT_TRUE(plan_port(info, request_for(1)).warnings.empty());
}

TEST(PortPlan, RssKeyWithoutRssIsAWarning) {
    PortRequest request = request_for(1);
    request.rss_key.resize(40);
    const PortPlan plan = plan_port(ordinary_nic(), request);
    EXPECT_TRUE(plan.rss_key.empty());
    EXPECT_TRUE(contains(plan.warnings, "--rss-key is not used"));
}

TEST(PortPlan, DescriptorsAreAlignedAndKeptWithinLimits) {
    const rte_eth_desc_lim limits{
        .nb_max = 4096, .nb_min = 64, .nb_align = 32, .nb_seg_max = 0, .nb_mtu_seg_max = 0};
    EXPECT_EQ(fit_descriptors(1024, limits), 1024);
    EXPECT_EQ(fit_descriptors(1000, limits), 1024);
    EXPECT_EQ(fit_descriptors(1, limits), 64);
    EXPECT_EQ(fit_descriptors(32768, limits), 4096);
}

TEST(PortPlan, UnspecifiedDescriptorLimitsDoNotLimit) {
    EXPECT_EQ(fit_descriptors(1000, {}), 1000);
    EXPECT_EQ(fit_descriptors(65535, {}), 65535);
}

TEST(PortPlan, ChangedDescriptorCountIsReported) {
    rte_eth_dev_info info = ordinary_nic();
    info.rx_desc_lim.nb_max = 256;
    const PortPlan plan = plan_port(info, request_for(1));
    EXPECT_EQ(plan.rx_descriptors, 256);
    EXPECT_EQ(plan.tx_descriptors, 1024);
    EXPECT_TRUE(contains(plan.notes, "RX descriptors: 256 instead of 1024"));
}

TEST(PortPlan, PoolHoldsBothRingsOneBurstAndTwoCaches) {
    EXPECT_EQ(mbufs_needed(1024, 512, 32, 256), 1024u + 512u + 32u + 2u * 384u);
    const PortPlan plan = plan_port(ordinary_nic(), request_for(1));
    EXPECT_EQ(plan.mbufs_per_pool, mbufs_needed(1024, 1024, 32, 256));
}

TEST(PortPlan, MtuAboveTheLimitIsAnErrorThatNamesIt) {
    PortRequest request = request_for(1);
    request.mtu = 9711;
    EXPECT_NE(message_of(ordinary_nic(), request)
                  .find("--mtu 9711 is outside of what the device takes: 68 to 9710"),
              std::string::npos);
    request.mtu = 9710;
    EXPECT_EQ(plan_port(ordinary_nic(), request).mtu, 9710);
}

TEST(PortPlan, FrameLengthLimitsTheMtuOfADeviceWithoutAnMtuLimit) {
    rte_eth_dev_info info = ordinary_nic();
    info.max_mtu = std::numeric_limits<std::uint16_t>::max();
    info.max_rx_pktlen = 1522;  // net_tap
    EXPECT_EQ(max_mtu(info), 1504);
    info.max_rx_pktlen = std::numeric_limits<std::uint32_t>::max();  // net_pcap
    EXPECT_EQ(max_mtu(info), 65535);
}

TEST(PortPlan, DeviceBelowTheUsualMtuKeepsItsMtuAndReportsIt) {
    rte_eth_dev_info info = ordinary_nic();
    info.max_mtu = 1450;
    info.max_rx_pktlen = 1468;
    const PortPlan plan = plan_port(info, request_for(1));
    EXPECT_EQ(plan.mtu, 1450);
    EXPECT_TRUE(contains(plan.notes, "MTU 1450"));
}

TEST(PortPlan, JumboFrameFitsOneSegmentByDefault) {
    PortRequest request = request_for(1);
    request.mtu = 9000;
    const PortPlan plan = plan_port(ordinary_nic(), request);
    EXPECT_GE(plan.mbuf_data_room, 9000 + 14 + 8 + 4 + RTE_PKTMBUF_HEADROOM);
    EXPECT_EQ((plan.mbuf_data_room - RTE_PKTMBUF_HEADROOM) % 1024, 0)
        << "Intel rounds RX buffers down to 1 KiB";
    EXPECT_EQ(plan.conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER, 0u);
}

TEST(PortPlan, SmallDataRoomEnablesScatterAndMultiSegments) {
    PortRequest request = request_for(1);
    request.mtu = 9000;
    request.mbuf_data_room = 2176;
    const PortPlan plan = plan_port(ordinary_nic(), request);
    EXPECT_NE(plan.conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER, 0u);
    EXPECT_NE(plan.conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS, 0u);
    EXPECT_EQ(plan.conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, 0u);
    EXPECT_EQ(plan.mbufs_per_pool, mbufs_needed(1024, 1024, 32 * 5, 256));
}

TEST(PortPlan, MoreSegmentsThanTheDeviceSendsAreAnError) {
    rte_eth_dev_info info = ordinary_nic();
    info.tx_desc_lim.nb_mtu_seg_max = 8;  // i40e
    PortRequest request = request_for(1);
    request.mtu = 9000;
    request.mbuf_data_room = 1152;
    EXPECT_NE(message_of(info, request).find("takes 9 mbufs of --mbuf-data-room 1152, the device sends 8"),
              std::string::npos);
    request.mbuf_data_room = 2176;
    EXPECT_NO_THROW(plan_port(info, request));
}

TEST(PortPlan, SmallDataRoomWithoutScatterIsAnErrorThatNamesTheRoom) {
    rte_eth_dev_info info = ordinary_nic();
    info.rx_offload_capa = 0;
    PortRequest request = request_for(1);
    request.mtu = 9000;
    request.mbuf_data_room = 2176;
    EXPECT_NE(message_of(info, request).find("--mbuf-data-room 9344"), std::string::npos);
}

TEST(PortPlan, DataRoomBelowTheDeviceMinimumIsAnError) {
    PortRequest request = request_for(1);
    request.mbuf_data_room = 1000;
    EXPECT_NE(message_of(ordinary_nic(), request).find("below the 1152 bytes"), std::string::npos);
}

TEST(PortPlan, DeviceThatNeedsLargeBuffersGetsThem) {
    rte_eth_dev_info info = ordinary_nic();
    info.min_rx_bufsize = 4000;
    EXPECT_EQ(plan_port(info, request_for(1)).mbuf_data_room, 4096 + RTE_PKTMBUF_HEADROOM);
}

TEST(PortPlan, Vmxnet3GetsAPowerOfTwoOfQueues) {
    rte_eth_dev_info info = ordinary_nic();
    info.driver_name = "net_vmxnet3";
    EXPECT_EQ(plan_port(info, request_for(1)).queue_pairs, 1);
    EXPECT_EQ(plan_port(info, request_for(2)).queue_pairs, 2);
    const PortPlan plan = plan_port(info, request_for(3));
    EXPECT_EQ(plan.queue_pairs, 2);
    ASSERT_EQ(plan.notes.size(), 1u);
    EXPECT_NE(plan.notes[0].find("limiting 3 to 2"), std::string::npos) << plan.notes[0];
    info.driver_name = "net_ixgbe";
    EXPECT_EQ(plan_port(info, request_for(3)).queue_pairs, 3);
}

TEST(PortPlan, FastFreeAndInterruptsAreEnabledOnlyIfOffered) {
    rte_eth_dev_info info = ordinary_nic();
    EXPECT_NE(plan_port(info, request_for(1)).conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE, 0u);
    EXPECT_EQ(plan_port(info, request_for(1)).conf.intr_conf.lsc, 0u);
    EXPECT_EQ(plan_port(info, request_for(1)).conf.intr_conf.rmv, 0u);

    std::uint32_t flags = RTE_ETH_DEV_INTR_LSC;
    info.dev_flags = &flags;
    info.tx_offload_capa = 0;
    EXPECT_EQ(plan_port(info, request_for(1)).conf.txmode.offloads, 0u);
    EXPECT_EQ(plan_port(info, request_for(1)).conf.intr_conf.lsc, 1u);
    EXPECT_EQ(plan_port(info, request_for(1)).conf.intr_conf.rmv, 0u);
    flags |= RTE_ETH_DEV_INTR_RMV;
    EXPECT_EQ(plan_port(info, request_for(1)).conf.intr_conf.rmv, 1u);
}

TEST(PortPlan, VlanTagsAreNeverStripped) {
    EXPECT_EQ(plan_port(ordinary_nic(), request_for(1)).conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP,
              0u);
}

TEST(PortPlan, PlansForADeviceThatReportsOnlyItsQueues) {
    rte_eth_dev_info info{};
    info.max_rx_queues = 1;
    info.max_tx_queues = 1;
    const PortPlan plan = plan_port(info, request_for(4));
    EXPECT_EQ(plan.queue_pairs, 1);
    EXPECT_EQ(plan.mtu, 1500);
    EXPECT_EQ(plan.mbuf_data_room, 2176);
}

}  // namespace
}  // namespace l2echo::dpdk
