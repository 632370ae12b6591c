#include "dpdk/datapath/burst_guard.hpp"

namespace l2echo::dpdk {
namespace {

constexpr std::uint64_t kNeverSeen = UINT64_MAX;

}  // namespace

BurstGuard::BurstGuard(std::uint16_t port, std::uint16_t queue_pairs) {
    struct rte_eth_fp_ops& operations = rte_eth_fp_ops[port];
    queues_.reserve(2UL * queue_pairs);
    for (std::uint16_t queue = 0; queue < queue_pairs; ++queue)
        queues_.push_back({operations.rx_pkt_burst, operations.rxq.data[queue], kNeverSeen, port});
    for (std::uint16_t queue = 0; queue < queue_pairs; ++queue)
        queues_.push_back({operations.tx_pkt_burst, operations.txq.data[queue], kNeverSeen, port});
    for (Queue& queue : queues_)
        arguments_.push_back(&queue);
    operations.rxq.data = arguments_.data();
    operations.txq.data = arguments_.data() + queue_pairs;
    operations.rx_pkt_burst = guarded_burst;
    operations.tx_pkt_burst = guarded_burst;
}

}  // namespace l2echo::dpdk
