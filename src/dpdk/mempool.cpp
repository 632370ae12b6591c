#include "l2echo/dpdk/mempool.hpp"

#include <fmt/format.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include <algorithm>
#include <cerrno>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {

Mempool::Mempool(const std::string& name, std::uint32_t mbufs, std::uint16_t cache, std::uint16_t data_room,
                 int numa_node)
    : pool_(rte_pktmbuf_pool_create(name.c_str(), mbufs, cache, 0, data_room, numa_node)) {
    // Memory on another node is better than none; a warning reports the remote node.
    if (!pool_ && numa_node != SOCKET_ID_ANY)
        pool_.reset(rte_pktmbuf_pool_create(name.c_str(), mbufs, cache, 0, data_room, SOCKET_ID_ANY));
    if (pool_)
        return;
    if (rte_errno == EINVAL)  // the only possible cause, as all other arguments were planned
        throw process::StartupError(
            fmt::format("mempool {}: DPDK has no mempool handler '{}'; leave --mbuf-pool-ops-name out", name,
                        rte_mbuf_best_mempool_ops()));
    const std::uint64_t mebibytes = (std::uint64_t{mbufs} * (data_room + sizeof(rte_mbuf)) >> 20) + 1;
    const std::string remedy =
        rte_eal_has_hugepages() != 0
            ? fmt::format(
                  "reserve more hugepages there (sudo ./scripts/host-setup --apply --only hugepages --hugepages {}=SIZE, "
                  "more than it has now), raise -m, or lower --rx-descriptors and --tx-descriptors",
                  std::max(numa_node, 0))
            : "raise -m (64 MiB when left out), or lower --rx-descriptors and --tx-descriptors";
    throw process::StartupError(
        fmt::format("mempool {}: {} mbufs of {} bytes (about {} MiB) on NUMA node {}: {}; {}", name, mbufs,
                    data_room, mebibytes, numa_node, rte_strerror(rte_errno), remedy));
}

}  // namespace l2echo::dpdk
