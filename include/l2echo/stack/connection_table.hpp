// The TCP connections of one worker by their tuple.
#pragma once

#include <rte_hash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "l2echo/tcp/tuple.hpp"
#include "l2echo/tcp/tuple_bytes.hpp"

namespace l2echo::stack {

/// What the table hashes and compares: a tuple without padding.
using TupleKey = std::array<std::byte, tcp::kTupleBytes>;

inline TupleKey key_of(const tcp::Tuple& tuple) noexcept {
    TupleKey key;
    tcp::store_tuple(key.data(), tuple);
    return key;
}

/// DPDK's rte_hash, with a seed that peers do not know. Used by one worker.
class ConnectionTable {
  public:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kMaxBurst = RTE_HASH_LOOKUP_BULK_MAX;

    /// Throws process::StartupError. `name` is unique in the process, and at most 26 characters.
    ConnectionTable(const std::string& name, std::uint32_t capacity, int numa_node, std::uint32_t seed);

    /// Returns the number that was inserted with the tuple, or kNone.
    std::uint32_t find(const TupleKey& key) const noexcept;
    /// The same for up to kMaxBurst keys, whose memory is fetched together. `found` has keys.size() places.
    void find(std::span<const TupleKey* const> keys, std::span<std::uint32_t> found) const noexcept;

    /// False if there is no memory for it. The tuple is not in the table.
    bool insert(const TupleKey& key, std::uint32_t number) noexcept;
    void erase(const TupleKey& key) noexcept;
    std::uint32_t size() const noexcept;

  private:
    struct Free {
        void operator()(rte_hash* table) const noexcept { rte_hash_free(table); }
    };
    std::unique_ptr<rte_hash, Free> table_;
};

}  // namespace l2echo::stack
