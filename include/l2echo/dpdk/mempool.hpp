// The pool of mbufs of one queue pair.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <memory>
#include <string>

namespace l2echo::dpdk {

/// Owns the pool; it must outlive the port whose RX ring holds its mbufs.
class Mempool {
  public:
    /// `cache` mbufs per lcore, `data_room` bytes with headroom. `numa_node` -1: any node,
    /// which is also taken when that one has too little memory.
    /// Throws StartupError when the memory is not there.
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
