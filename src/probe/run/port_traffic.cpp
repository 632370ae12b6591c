#include "probe/run/port_traffic.hpp"

#include <fmt/format.h>
#include <rte_random.h>

#include "l2echo/process/error.hpp"

namespace l2echo::probe {
namespace {

void throw_if_too_long(const Traffic& traffic, const dpdk::PortPlan& plan) {
    const std::size_t tags = wire::kVlanTagLength * traffic.shape().vlan_ids.size();
    if (traffic.largest_size() - wire::kFcsLength > plan.mtu + wire::kEthernetHeaderLength + tags)
        throw process::UsageError(
            fmt::format("--size {}: frames of more than {} bytes need --mtu {}", traffic.largest_size(),
                        plan.mtu + wire::kEthernetHeaderLength + wire::kFcsLength,
                        traffic.largest_size() - wire::kEthernetHeaderLength - wire::kFcsLength));
}

/// The outer of two tags is 802.1ad. Changed by the driver, it would make every frame count as corrupted.
void throw_if_tags_change(const Traffic& traffic, const dpdk::Port& port) {
    if (traffic.shape().vlan_ids.size() > 1 && !port.keeps_outer_tag())
        throw process::UsageError(
            fmt::format("--vlan: {} turns the outer one of two tags (0x88A8) into 0x8100; give one tag, "
                        "or probe through net_af_xdp or net_pcap",
                        dpdk::port_label(port.id())));
}

}  // namespace

Traffic make_traffic(const ProbeOptions& options, const std::string& sizes, const dpdk::Port& port) {
    TrafficShape shape = options.shape;
    shape.source = port.mac();
    parse_sizes(sizes, shape);
    Traffic traffic(shape, options.swap_level, static_cast<std::uint32_t>(rte_rand()));
    throw_if_too_long(traffic, port.plan());
    throw_if_tags_change(traffic, port);
    return traffic;
}

}  // namespace l2echo::probe
