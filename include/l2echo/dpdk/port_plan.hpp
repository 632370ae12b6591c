// From what a device says it can do and what the user wants to what will be configured. Pure functions: the
// same arguments give the same plan, so that odd devices can be planned for without having one.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "l2echo/dpdk/rss.hpp"

namespace l2echo::dpdk {

inline constexpr std::uint16_t kMaxBurst = 512;  ///< frames; the size of the arrays on a worker's stack

enum class FlowControl { Off, On, Keep };

/// What the user asks of every port.
struct PortRequest {
    std::uint16_t queue_pairs = 1;  ///< wanted
    std::uint16_t rx_descriptors = 1024;
    std::uint16_t tx_descriptors = 1024;
    std::uint16_t burst = 32;
    std::uint16_t mempool_cache = 256;            ///< mbufs kept per lcore, 0 to RTE_MEMPOOL_CACHE_MAX_SIZE
    std::optional<std::uint16_t> mbuf_data_room;  ///< bytes, headroom included, as in rte_pktmbuf_pool_create
    std::optional<std::uint16_t> mtu;             ///< bytes, layer 3
    std::optional<std::uint64_t> rss_functions;   ///< RTE_ETH_RSS_* bits; kDefaultRssFunctions when empty
    std::vector<std::uint8_t> rss_key;            ///< empty: the driver's
    bool promiscuous = true;
    FlowControl flow_control = FlowControl::Off;
};

/// What will be configured, and what the user should know about it.
struct PortPlan {
    std::uint16_t queue_pairs = 0;
    std::uint16_t rx_descriptors = 0;
    std::uint16_t tx_descriptors = 0;
    std::uint16_t mtu = 0;
    std::uint16_t mbuf_data_room = 0;
    std::uint32_t mbufs_per_pool = 0;
    std::uint64_t rss_functions = 0;    ///< 0: RSS stays off
    std::vector<std::uint8_t> rss_key;  ///< empty: the driver's
    rte_eth_conf conf{};                ///< complete but for the key, whose pointer is set when it is used
    std::vector<std::string> notes;     ///< lines for the user: a device that falls short, and what follows
    std::vector<std::string> warnings;
};

/// Descriptors that the device takes: aligned up, then within its limits. A limit of 0 means not stated.
std::uint16_t fit_descriptors(std::uint16_t requested, const rte_eth_desc_lim& limits);

/// Mbufs so that the pool never runs dry: both rings full, one burst in the worker's hands, and the mempool
/// caches of two lcores, the worker's and that of the main lcore, which fills the ring when the port starts.
/// A cache holds up to 1.5 times its size (rte_mempool flushes at that threshold).
std::uint32_t mbufs_needed(std::uint16_t rx_descriptors, std::uint16_t tx_descriptors,
                           std::uint32_t burst_mbufs, std::uint16_t cache);

/// The largest MTU that rte_eth_dev_configure() accepts for this device.
std::uint16_t max_mtu(const rte_eth_dev_info& info);

/// Throws StartupError, naming the limit, when the device cannot do what was asked.
PortPlan plan_port(const rte_eth_dev_info& info, const PortRequest& request);

}  // namespace l2echo::dpdk
