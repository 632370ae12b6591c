// The mbuf pool of one queue pair.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string>

namespace l2echo::dpdk {

/// Owns the pool. It must outlive the port whose RX ring holds its mbufs.
class Mempool {
  public:
    /// `cache` is the number of mbufs cached per lcore; `data_room` is in bytes, including headroom.
    /// `numa_node` -1 means any node; any node is also used if the given one has too little memory. Throws
    /// StartupError if there is not enough memory.
    Mempool(const std::string& name, std::uint32_t mbufs, std::uint16_t cache, std::uint16_t data_room,
            int numa_node);

    rte_mempool* get() const noexcept { return pool_.get(); }

  private:
    struct Free {
        void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
    };
    std::unique_ptr<rte_mempool, Free> pool_;
};

}  // namespace l2echo::dpdk
