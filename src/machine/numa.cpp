#include "l2echo/machine/numa.hpp"

#include <fmt/format.h>
#include <numa.h>

namespace l2echo::machine {

int numa_node_of_cpu_id(int cpu) {
    if (cpu < 0 || numa_available() < 0)
        return kUnknownNode;
    return numa_node_of_cpu(cpu);
}

int numa_node_of_memory(void* address) {
    int node = kUnknownNode;
    const bool asked = numa_available() >= 0 && numa_move_pages(0, 1, &address, nullptr, &node, 0) ==
                                                    0;  // without target nodes, only queries
    return asked && node >= 0 ? node : kUnknownNode;
}

std::vector<std::string> numa_warnings(int port_node, const std::vector<QueuePairNodes>& queue_pairs) {
    std::vector<std::string> warnings;
    const auto apart = [port_node](int node) {
        return port_node != kUnknownNode && node != kUnknownNode && node != port_node;
    };
    for (std::size_t queue = 0; queue < queue_pairs.size(); ++queue) {
        const QueuePairNodes& pair = queue_pairs[queue];
        if (apart(pair.worker_node))
            warnings.push_back(
                fmt::format("port is on NUMA node {}, worker on lcore {} on node {}: "
                            "each frame crosses the interconnect; choose lcores of node {}",
                            port_node, pair.lcore, pair.worker_node, port_node));
        if (apart(pair.pool_node))
            warnings.push_back(fmt::format(
                "port is on NUMA node {}, mempool of queue {} on node {}; "
                "reserve hugepages on node {} (sudo ./scripts/host-setup --apply --only hugepages --hugepages {}=SIZE)",
                port_node, queue, pair.pool_node, port_node, port_node));
    }
    return warnings;
}

}  // namespace l2echo::machine
