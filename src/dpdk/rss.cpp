#include "l2echo/dpdk/rss.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {
namespace {

struct RssFunction {
    std::string_view name;
    std::uint64_t bits;
};

/// A function that includes others comes first: a description uses the first one that is completely present.
constexpr std::array<RssFunction, 9> kRssFunctions{{
    {"ip", RTE_ETH_RSS_IP},
    {"ipv4", RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_FRAG_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_OTHER},
    {"ipv6", RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_FRAG_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_OTHER | RTE_ETH_RSS_IPV6_EX},
    {"tcp", RTE_ETH_RSS_TCP},
    {"udp", RTE_ETH_RSS_UDP},
    {"sctp", RTE_ETH_RSS_SCTP},
    {"l2-payload", RTE_ETH_RSS_L2_PAYLOAD},
    {"eth", RTE_ETH_RSS_ETH},
    {"vlan", RTE_ETH_RSS_S_VLAN | RTE_ETH_RSS_C_VLAN},
}};

const RssFunction* find_function(std::string_view name) {
    for (const RssFunction& function : kRssFunctions)
        if (function.name == name)
            return &function;
    return nullptr;
}

std::string known_names() {
    std::vector<std::string_view> names{"none"};
    for (const RssFunction& function : kRssFunctions)
        names.push_back(function.name);
    return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::uint64_t parse_rss_functions(std::string_view list) {
    if (list == "none")
        return 0;
    std::uint64_t functions = 0;
    for (;;) {
        const auto comma = list.find(',');
        const std::string_view name = list.substr(0, comma);
        const RssFunction* function = find_function(name);
        if (function == nullptr)
            throw process::UsageError(
                fmt::format("--rss: unknown function '{}'; known: {}", name, known_names()));
        functions |= function->bits;
        if (comma == std::string_view::npos)
            return functions;
        list.remove_prefix(comma + 1);
    }
}

std::string describe_rss_functions(std::uint64_t functions) {
    std::vector<std::string_view> names;
    const auto take = [&](const RssFunction& function) {
        names.push_back(function.name);
        functions &= ~function.bits;
    };
    for (const RssFunction& function : kRssFunctions)
        if ((functions & function.bits) == function.bits)
            take(function);
    // The remaining bits are parts of a group: some devices offer UDP over IPv4 but not over IPv6.
    for (auto function = kRssFunctions.rbegin(); function != kRssFunctions.rend(); ++function)
        if ((functions & function->bits) != 0)
            take(*function);
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ","));
}

std::string missing_rss_functions(std::uint64_t wanted, std::uint64_t offered) {
    std::uint64_t missing = 0;
    for (const RssFunction& function : kRssFunctions)
        if ((wanted & function.bits) == function.bits && (offered & function.bits) == 0)
            missing |= function.bits;
    return missing == 0 ? "" : describe_rss_functions(missing);
}

std::vector<std::uint8_t> parse_rss_key(std::string_view hex) {
    std::vector<std::uint8_t> key(hex.size() / 2);
    bool valid = !hex.empty() && hex.size() % 2 == 0;
    for (std::size_t i = 0; valid && i < key.size(); ++i) {
        const char* digits = hex.data() + 2 * i;
        const auto [end, error] = std::from_chars(digits, digits + 2, key[i], 16);
        valid = error == std::errc{} && end == digits + 2;
    }
    if (!valid)
        throw process::UsageError(
            fmt::format("--rss-key: '{}' is not a key; give two hexadecimal digits for each byte", hex));
    return key;
}

std::vector<rte_eth_rss_reta_entry64> plan_reta(std::uint16_t reta_size, std::uint16_t queues) {
    const std::size_t groups = (reta_size + RTE_ETH_RETA_GROUP_SIZE - 1u) / RTE_ETH_RETA_GROUP_SIZE;
    std::vector<rte_eth_rss_reta_entry64> table(groups);
    for (std::uint16_t entry = 0; entry < reta_size; ++entry) {
        rte_eth_rss_reta_entry64& group = table[entry / RTE_ETH_RETA_GROUP_SIZE];
        const unsigned slot = entry % RTE_ETH_RETA_GROUP_SIZE;
        group.mask |= std::uint64_t{1} << slot;
        group.reta[slot] = static_cast<std::uint16_t>(entry % queues);
    }
    return table;
}

}  // namespace l2echo::dpdk
