#include "l2echo/net/fragments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "l2echo/process/error.hpp"

namespace l2echo::net {

Reassembly::Table Reassembly::make_table(const ReassemblySettings& settings, Micros timeout) {
    constexpr std::uint32_t kBucketEntries = 4;  // the library's table has twice as many entries as asked for
    const std::uint32_t packets = std::bit_ceil(std::max(settings.packets, kBucketEntries));
    // Its cycles are what the caller counts in.
    Table table(rte_ip_frag_table_create(packets / kBucketEntries, kBucketEntries, packets,
                                         static_cast<std::uint64_t>(timeout.count()), settings.numa_node));
    if (!table)
        throw process::StartupError(fmt::format(
            "no memory for the fragments of {} IP packets: give the program more memory", packets));
    return table;
}

Reassembly::Reassembly(const ReassemblySettings& settings)
    : max_held_(settings.held),
      ipv4_(make_table(settings, settings.ipv4_timeout)),
      ipv6_(make_table(settings, settings.ipv6_timeout)) {}

Reassembly::~Reassembly() {
    while (rte_mbuf* frame = take_expired())
        rte_pktmbuf_free(frame);
}

}  // namespace l2echo::net
