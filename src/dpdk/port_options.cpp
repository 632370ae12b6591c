#include "l2echo/dpdk/port_options.hpp"

#include <fmt/format.h>
#include <rte_mempool.h>

#include "l2echo/dpdk/rss.hpp"

namespace l2echo::dpdk {
namespace {

constexpr const char* kGroup = "Ports";

void add_size_options(cli::OptionTable& table, PortRequest& request) {
    constexpr std::uint64_t kMaxDescriptors = 32768;  // the maximum of a virtqueue; no driver has more
    table.add({.name = "--rx-descriptors",
               .group = kGroup,
               .value = cli::number(request.rx_descriptors,
                                    {.min = 1, .max = kMaxDescriptors, .unit = "descriptors"}),
               .help = "Size of each RX ring"});
    table.add({.name = "--tx-descriptors",
               .group = kGroup,
               .value = cli::number(request.tx_descriptors,
                                    {.min = 1, .max = kMaxDescriptors, .unit = "descriptors"}),
               .help = "Size of each TX ring"});
    table.add({.name = "--burst",
               .group = kGroup,
               .value = cli::number(request.burst, {.min = 1, .max = kMaxBurst, .unit = "frames"}),
               .help = "Frames taken or given in one call"});
    table.add(
        {.name = "--mempool-cache",
         .group = kGroup,
         .value = cli::number(request.mempool_cache, {.max = RTE_MEMPOOL_CACHE_MAX_SIZE, .unit = "mbufs"}),
         .help = "Mbufs that an lcore keeps for itself"});
    table.add(
        {.name = "--mbuf-data-room",
         .group = kGroup,
         .value = cli::number(request.mbuf_data_room, {.min = RTE_PKTMBUF_HEADROOM + 64, .unit = "bytes"}),
         .help = "Size of an mbuf, headroom included; fits the MTU when left out"});
    table.add({.name = "--mtu",
               .group = kGroup,
               .value = cli::number(request.mtu, {.min = 68, .max = 65000, .unit = "bytes"}),
               .help = "Largest layer 3 length; longer frames are refused; 1500 when left out"});
}

void add_rss_options(cli::OptionTable& table, PortRequest& request) {
    const auto parse_functions = [](const std::string& text, const char*) {
        return parse_rss_functions(text);
    };
    const auto parse_key = [](const std::string& text, const char*) { return parse_rss_key(text); };
    table.add({.name = "--rss",
               .group = kGroup,
               .value = cli::converted(request.rss_functions, "FUNCTIONS", parse_functions),
               .help = fmt::format("Hash functions: none, "
                                   "or some of ip,ipv4,ipv6,tcp,udp,sctp,l2-payload,eth,vlan; "
                                   "what the device has of {} when left out",
                                   describe_rss_functions(kDefaultRssFunctions))});
    table.add({.name = "--rss-key",
               .group = kGroup,
               .value = cli::converted(request.rss_key, "HEX", parse_key),
               .help = "Hash key; the driver's when left out"});
}

}  // namespace

void add_port_options(cli::OptionTable& table, PortRequest& request, std::chrono::milliseconds& link_wait) {
    add_size_options(table, request);
    add_rss_options(table, request);
    table.add({.name = "--promiscuous",
               .group = kGroup,
               .value = cli::on_off(request.promiscuous),
               .help = "Receive frames to any MAC"});
    table.add({.name = "--flow-control",
               .group = kGroup,
               .value = cli::choice(
                   request.flow_control,
                   {{"off", FlowControl::Off}, {"on", FlowControl::On}, {"keep", FlowControl::Keep}}),
               .help = "PAUSE frames of the NIC"});
    table.add({.name = "--link-wait",
               .group = kGroup,
               .value = cli::time(link_wait),
               .help = "Longest wait for links to come up"});
}

}  // namespace l2echo::dpdk
