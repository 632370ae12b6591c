// Plans the configuration of a port from the device's capabilities and the user's request. Pure functions:
// the same arguments give the same plan, so that tests can plan for unusual devices without the hardware.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/rss.hpp"

namespace l2echo::dpdk {

inline constexpr std::uint16_t kMaxBurst = 512;  ///< frames; size of the arrays on a worker's stack

enum class FlowControl { Off, On, Keep };

/// Settings that the user requests for every port.
struct PortRequest {
    std::uint16_t queue_pairs = 1;  ///< requested
    std::uint16_t rx_descriptors = 1024;
    std::uint16_t tx_descriptors = 1024;
    std::uint16_t burst = 32;
    std::uint16_t mempool_cache = 256;  ///< mbufs cached per lcore, 0 to RTE_MEMPOOL_CACHE_MAX_SIZE
    /// Bytes, including headroom, as in rte_pktmbuf_pool_create().
    std::optional<std::uint16_t> mbuf_data_room;
    std::optional<std::uint16_t> mtu;            ///< bytes at layer 3
    std::optional<std::uint64_t> rss_functions;  ///< RTE_ETH_RSS_* bits; empty: kDefaultRssFunctions
    std::vector<std::uint8_t> rss_key;           ///< empty: the driver's key
    bool promiscuous = true;
    FlowControl flow_control = FlowControl::Off;
};

/// The configuration to apply, and messages about it for the user.
struct PortPlan {
    std::uint16_t queue_pairs = 0;
    std::uint16_t rx_descriptors = 0;
    std::uint16_t tx_descriptors = 0;
    std::uint16_t mtu = 0;
    std::uint16_t mbuf_data_room = 0;
    std::uint32_t mbufs_per_pool = 0;
    std::uint64_t rss_functions = 0;    ///< 0: RSS stays off
    std::vector<std::uint8_t> rss_key;  ///< empty: the driver's key
    rte_eth_conf conf{};                ///< complete except for the key pointer, which is set on use
    std::vector<std::string> notes;     ///< messages about device limits and their effect
    std::vector<std::string> warnings;
};

/// Returns the number of descriptors that the device accepts: aligned up, then clamped to its limits. A limit
/// of 0 means that the device states none.
std::uint16_t fit_descriptors(std::uint16_t requested, const rte_eth_desc_lim& limits);

/// Returns the number of mbufs with which the pool never runs empty: both rings full, one burst held by the
/// worker, and the mempool caches of two lcores, that of the worker and that of the main lcore, which fills
/// the ring when the port starts. A cache holds up to 1.5 times its size (rte_mempool flushes at that
/// threshold).
std::uint32_t mbufs_needed(std::uint16_t rx_descriptors, std::uint16_t tx_descriptors,
                           std::uint32_t burst_mbufs, std::uint16_t cache);

/// Returns the largest MTU that rte_eth_dev_configure() accepts for this device.
std::uint16_t max_mtu(const rte_eth_dev_info& info);

/// Plans the configuration. Throws StartupError with the limit if the device cannot do what was requested.
PortPlan plan_port(const rte_eth_dev_info& info, const PortRequest& request);

}  // namespace l2echo::dpdk
