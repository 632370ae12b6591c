#include "l2echo/dpdk/port_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

/// Maximum overhead of a frame over its MTU: Ethernet header, two VLAN tags and FCS.
constexpr std::uint32_t kFrameOverhead = RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;

/// Intel NICs use RX buffers in steps of 1 KiB, rounded down (82599 datasheet, SRRCTL.BSIZEPACKET). Every
/// driver accepts 2 KiB.
constexpr std::uint32_t kRxBufferStep = 1024;
constexpr std::uint32_t kMinRxBuffer = 2048;

constexpr std::uint32_t round_up(std::uint32_t value, std::uint32_t step) {
    return (value + step - 1) / step * step;
}

bool offers(std::uint64_t capabilities, std::uint64_t offload) {
    return (capabilities & offload) == offload;
}

void plan_queue_pairs(const rte_eth_dev_info& info, const PortRequest& request, PortPlan& plan) {
    if (info.max_rx_queues == 0 || info.max_tx_queues == 0)
        throw process::StartupError(fmt::format(
            "driver {} reports {} RX and {} TX queues: an echo needs one of each",
            info.driver_name != nullptr ? info.driver_name : "?", info.max_rx_queues, info.max_tx_queues));
    plan.queue_pairs = std::min({request.queue_pairs, info.max_rx_queues, info.max_tx_queues});
    if (info.max_rx_queues < request.queue_pairs)
        plan.notes.push_back(fmt::format("Device supports max_rx_queues={}, limiting nb_rx_queues to that",
                                         info.max_rx_queues));
    if (info.max_tx_queues < request.queue_pairs && info.max_tx_queues < info.max_rx_queues)
        plan.notes.push_back(fmt::format("Device supports max_tx_queues={}, limiting nb_tx_queues to that",
                                         info.max_tx_queues));
}

bool is_driven_by(const rte_eth_dev_info& info, std::string_view driver) {
    return info.driver_name != nullptr && info.driver_name == driver;
}

/// VMware's device supports 1, 2, 4 or 8 RX queues, and its driver rejects other numbers
/// (vmxnet3_dev_configure).
void round_vmxnet3_queues(const rte_eth_dev_info& info, PortPlan& plan) {
    const std::uint16_t rounded = std::bit_floor(plan.queue_pairs);
    if (!is_driven_by(info, "net_vmxnet3") || rounded == plan.queue_pairs)
        return;
    plan.notes.push_back(
        fmt::format("vmxnet3 takes a power of two of queues, limiting {} to {}", plan.queue_pairs, rounded));
    plan.queue_pairs = rounded;
}

/// A memif queue without a counterpart reads another queue's ring (seen with DPDK 22.11).
void warn_of_memif_queues(const rte_eth_dev_info& info, PortPlan& plan) {
    if (plan.queue_pairs > 1 && is_driven_by(info, "net_memif"))
        plan.warnings.push_back(
            fmt::format("both ends of a memif must have the same number of queues: "
                        "give the peer {} RX and TX queues, or use one worker (l2_probe: --queues 1)",
                        plan.queue_pairs));
}

void plan_descriptors(const rte_eth_dev_info& info, const PortRequest& request, PortPlan& plan) {
    plan.rx_descriptors = fit_descriptors(request.rx_descriptors, info.rx_desc_lim);
    plan.tx_descriptors = fit_descriptors(request.tx_descriptors, info.tx_desc_lim);
    if (plan.rx_descriptors != request.rx_descriptors)
        plan.notes.push_back(fmt::format("RX descriptors: {} instead of {}, as the device takes them",
                                         plan.rx_descriptors, request.rx_descriptors));
    if (plan.tx_descriptors != request.tx_descriptors)
        plan.notes.push_back(fmt::format("TX descriptors: {} instead of {}, as the device takes them",
                                         plan.tx_descriptors, request.tx_descriptors));
}

void plan_mtu(const rte_eth_dev_info& info, const PortRequest& request, PortPlan& plan) {
    const std::uint16_t limit = max_mtu(info);
    const std::uint16_t min_mtu = std::min(info.min_mtu, limit);
    if (request.mtu && (*request.mtu > limit || *request.mtu < min_mtu))
        throw process::StartupError(
            fmt::format("--mtu {} is outside of what the device takes: {} to {}; give a value within",
                        *request.mtu, min_mtu, limit));
    plan.mtu = request.mtu.value_or(std::min<std::uint16_t>(RTE_ETHER_MTU, limit));
    if (!request.mtu && plan.mtu < RTE_ETHER_MTU)
        plan.notes.push_back(fmt::format("MTU {}, which is all that the device takes", plan.mtu));
    plan.conf.rxmode.mtu = plan.mtu;
}

/// Fits a whole frame in one segment, because scattered RX disables the vector path of Intel drivers. Uses
/// several segments only if the user's data room is too small for the MTU.
void plan_data_room(const rte_eth_dev_info& info, const PortRequest& request, PortPlan& plan) {
    const std::uint32_t frame = plan.mtu + kFrameOverhead;
    const std::uint32_t buffer = std::max(
        {kMinRxBuffer, round_up(frame, kRxBufferStep), round_up(info.min_rx_bufsize, kRxBufferStep)});
    const std::uint32_t whole_frame =
        std::min<std::uint32_t>(buffer + RTE_PKTMBUF_HEADROOM, std::numeric_limits<std::uint16_t>::max());
    plan.mbuf_data_room = request.mbuf_data_room.value_or(static_cast<std::uint16_t>(whole_frame));

    const std::uint32_t min_room = RTE_PKTMBUF_HEADROOM + std::max<std::uint32_t>(info.min_rx_bufsize, 64);
    if (plan.mbuf_data_room < min_room)
        throw process::StartupError(
            fmt::format("--mbuf-data-room {} is below the {} bytes that the device needs; "
                        "give at least that, or leave it out",
                        plan.mbuf_data_room, min_room));
    if (plan.mbuf_data_room - RTE_PKTMBUF_HEADROOM >= static_cast<int>(frame))
        return;
    if (!offers(info.rx_offload_capa, RTE_ETH_RX_OFFLOAD_SCATTER) ||
        !offers(info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
        throw process::StartupError(
            fmt::format("a data room of {} bytes does not hold a frame of MTU {} in one segment, "
                        "and the device does not offer scattered RX and multi-segment TX; "
                        "give --mbuf-data-room {} or a smaller --mtu",
                        plan.mbuf_data_room, plan.mtu, whole_frame));
    const std::uint32_t room = plan.mbuf_data_room - RTE_PKTMBUF_HEADROOM;
    const std::uint32_t segments = (frame + room - 1) / room;
    const std::uint16_t max_segments = info.tx_desc_lim.nb_mtu_seg_max;  // 0: not stated
    if (max_segments != 0 && segments > max_segments)
        throw process::StartupError(
            fmt::format("a frame of MTU {} takes {} mbufs of --mbuf-data-room {}, "
                        "the device sends {} at most; give --mbuf-data-room {}",
                        plan.mtu, segments, plan.mbuf_data_room, max_segments, whole_frame));
    plan.conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    plan.conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
    plan.notes.push_back(fmt::format("frames longer than {} bytes take several mbufs (scattered RX)",
                                     plan.mbuf_data_room - RTE_PKTMBUF_HEADROOM));
}

void plan_rss(const rte_eth_dev_info& info, const PortRequest& request, PortPlan& plan) {
    const std::uint64_t wanted = request.rss_functions.value_or(kDefaultRssFunctions);
    const std::uint64_t offered = wanted & info.flow_type_rss_offloads;
    const std::string missing = missing_rss_functions(wanted, offered);
    if (plan.queue_pairs > 1 && request.rss_functions && !missing.empty())
        plan.warnings.push_back(fmt::format("--rss: the device does not offer {}; it offers {}", missing,
                                            describe_rss_functions(info.flow_type_rss_offloads)));

    if (plan.queue_pairs > 1 && offered != 0) {
        plan.rss_functions = offered;
        plan.conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        plan.conf.rx_adv_conf.rss_conf.rss_hf = offered;
    } else if (plan.queue_pairs > 1 && wanted != 0) {
        plan.notes.emplace_back(
            "no RSS in this device: how frames spread over the queues is up to the kernel or the peer");
    }

    if (request.rss_key.empty())
        return;
    if (plan.rss_functions == 0) {
        plan.warnings.emplace_back("--rss-key is not used: RSS is off on this port");
        return;
    }
    // A driver that reports no size copies 40 bytes, the size that struct rte_eth_rss_conf documents.
    constexpr std::uint8_t kUsualKeySize = 40;
    const std::uint8_t size = info.hash_key_size != 0 ? info.hash_key_size : kUsualKeySize;
    if (request.rss_key.size() != size)
        throw process::StartupError(
            fmt::format("--rss-key has {} bytes, the device takes {}; give {} hexadecimal digits",
                        request.rss_key.size(), size, 2 * size));
    plan.rss_key = request.rss_key;
}

void plan_offloads(const rte_eth_dev_info& info, PortPlan& plan) {
    // FAST_FREE is allowed because one pool serves the queue pair and nothing else holds a reference to the
    // mbufs. It does not allow segment chains.
    const bool one_segment = (plan.conf.txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) == 0;
    if (one_segment && offers(info.tx_offload_capa, RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE))
        plan.conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
    const std::uint32_t flags = info.dev_flags != nullptr ? *info.dev_flags : 0;
    plan.conf.intr_conf.lsc = (flags & RTE_ETH_DEV_INTR_LSC) != 0 ? 1 : 0;
    plan.conf.intr_conf.rmv = (flags & RTE_ETH_DEV_INTR_RMV) != 0 ? 1 : 0;
}

}  // namespace

std::uint16_t fit_descriptors(std::uint16_t requested, const rte_eth_desc_lim& limits) {
    constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint16_t>::max();
    const std::uint32_t align = std::max<std::uint32_t>(limits.nb_align, 1);
    const std::uint32_t max = limits.nb_max != 0 ? limits.nb_max : kUnlimited;
    const std::uint32_t aligned = std::min(round_up(requested, align), max);
    return static_cast<std::uint16_t>(std::max<std::uint32_t>(aligned, limits.nb_min));
}

std::uint32_t mbufs_needed(std::uint16_t rx_descriptors, std::uint16_t tx_descriptors,
                           std::uint32_t burst_mbufs, std::uint16_t cache) {
    return std::uint32_t{rx_descriptors} + tx_descriptors + burst_mbufs + 3u * cache;
}

std::uint16_t max_mtu(const rte_eth_dev_info& info) {
    // Same arithmetic as in ethdev's own check, so that our error comes first and includes the limit.
    const bool both_stated =
        info.max_mtu != std::numeric_limits<std::uint16_t>::max() && info.max_rx_pktlen > info.max_mtu;
    const std::uint32_t overhead =
        both_stated ? info.max_rx_pktlen - info.max_mtu : RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
    const std::uint32_t by_frame = info.max_rx_pktlen > overhead ? info.max_rx_pktlen - overhead
                                                                 : std::numeric_limits<std::uint16_t>::max();
    const std::uint32_t by_mtu = info.max_mtu != 0 ? info.max_mtu : std::numeric_limits<std::uint16_t>::max();
    return static_cast<std::uint16_t>(std::min(by_frame, by_mtu));
}

PortPlan plan_port(const rte_eth_dev_info& info, const PortRequest& request) {
    PortPlan plan;
    plan_queue_pairs(info, request, plan);
    round_vmxnet3_queues(info, plan);
    warn_of_memif_queues(info, plan);
    plan_descriptors(info, request, plan);
    plan_mtu(info, request, plan);
    plan_data_room(info, request, plan);
    plan_rss(info, request, plan);
    plan_offloads(info, plan);
    const std::uint32_t room = plan.mbuf_data_room - RTE_PKTMBUF_HEADROOM;
    const std::uint32_t segments = (plan.mtu + kFrameOverhead + room - 1) / room;
    plan.mbufs_per_pool = mbufs_needed(plan.rx_descriptors, plan.tx_descriptors, request.burst * segments,
                                       request.mempool_cache);
    return plan;
}

}  // namespace l2echo::dpdk
