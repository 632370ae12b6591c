#include "dpdk/datapath/burst_guard.hpp"

#include "l2echo/dpdk/polling_lcore.hpp"

namespace l2echo::dpdk {
/// The link went down if the driver has unmapped anything since it was seen up.
bool BurstGuard::is_up(Queue& queue) noexcept {
    const std::uint64_t unmappings = PollingLcores::driver_unmappings();
    if (queue.seen_up_at == unmappings) [[likely]]
        return true;
    rte_eth_link link{};
    if (rte_eth_link_get_nowait(queue.port, &link) != 0 || link.link_status != RTE_ETH_LINK_UP)
        return false;
    queue.seen_up_at = unmappings;
    return true;
}

std::uint16_t BurstGuard::guarded_burst(void* queue, rte_mbuf** frames, std::uint16_t count) noexcept {
    auto& guarded = *static_cast<Queue*>(queue);
    return is_up(guarded) ? guarded.burst(guarded.driver_queue, frames, count) : std::uint16_t{0};
}

}  // namespace l2echo::dpdk
