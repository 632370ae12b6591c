// Receive side scaling: names for the hash functions, the key, and the redirection table (RETA). Pure
// functions.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace l2echo::dpdk {

/// What is asked for unless the user says otherwise; the plan keeps what the device offers of it.
inline constexpr std::uint64_t kDefaultRssFunctions =
    RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP | RTE_ETH_RSS_L2_PAYLOAD;

/// "ip,udp" or "none" as RTE_ETH_RSS_* bits. Throws UsageError naming the known functions.
std::uint64_t parse_rss_functions(std::string_view list);

/// RTE_ETH_RSS_* bits as "ip,udp", "none" when there are none.
std::string describe_rss_functions(std::uint64_t functions);

/// Names of the functions that are asked for whole and not offered at all; empty when there are none. Devices
/// offer many a group in part, fragments left out, say: that is what they call offering it.
std::string missing_rss_functions(std::uint64_t wanted, std::uint64_t offered);

/// Hexadecimal digits, two for each byte, as the RSS key. Throws UsageError.
std::vector<std::uint8_t> parse_rss_key(std::string_view hex);

/// Entry i of the table leads to queue i % queues; 128 entries over 3 queues are 43, 43 and 42.
/// `reta_size` as the started device reports it, any number; `queues` at least 1.
std::vector<rte_eth_rss_reta_entry64> plan_reta(std::uint16_t reta_size, std::uint16_t queues);

}  // namespace l2echo::dpdk
