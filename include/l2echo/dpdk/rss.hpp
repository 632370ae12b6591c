// Receive side scaling: names of the hash functions, the key, and the redirection table (RETA). Pure
// functions.
#pragma once

#include <rte_ethdev.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace l2echo::dpdk {

/// Hash functions requested by default; the plan keeps those that the device offers.
inline constexpr std::uint64_t kDefaultRssFunctions =
    RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP | RTE_ETH_RSS_L2_PAYLOAD;

/// Parses a list such as "ip,udp" or "none" into RTE_ETH_RSS_* bits. Throws UsageError with the known
/// functions.
std::uint64_t parse_rss_functions(std::string_view list);

/// Formats RTE_ETH_RSS_* bits, such as "ip,udp"; "none" if there are none.
std::string describe_rss_functions(std::uint64_t functions);

/// Returns the names of the functions that are requested completely but not offered at all; empty if there
/// are none. A partially offered function counts as offered, because many devices offer a group only in part,
/// for example without fragments.
std::string missing_rss_functions(std::uint64_t wanted, std::uint64_t offered);

/// Parses an RSS key: two hexadecimal digits per byte. Throws UsageError.
std::vector<std::uint8_t> parse_rss_key(std::string_view hex);

/// Plans the table: entry i maps to queue i % queues, so 128 entries over 3 queues are 43, 43 and 42.
/// `reta_size` is what the started device reports and may be any number; `queues` is at least 1.
std::vector<rte_eth_rss_reta_entry64> plan_reta(std::uint16_t reta_size, std::uint16_t queues);

}  // namespace l2echo::dpdk
