#include "l2echo/stack/connection_table.hpp"

#include <algorithm>

namespace l2echo::stack {
namespace {

// rte_hash stores pointers: the number is in them.
void* data_of(std::uint32_t number) noexcept {
    return reinterpret_cast<void*>(std::uintptr_t{number});  // NOLINT(performance-no-int-to-ptr)
}
std::uint32_t number_of(const void* data) noexcept {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(data));
}

}  // namespace

std::uint32_t ConnectionTable::find(const TupleKey& key) const noexcept {
    void* data = nullptr;
    return rte_hash_lookup_data(table_.get(), key.data(), &data) >= 0 ? number_of(data) : kNone;
}

void ConnectionTable::find(std::span<const TupleKey* const> keys,
                           std::span<std::uint32_t> found) const noexcept {
    if (keys.empty())
        return;
    std::array<const void*, kMaxBurst> places;
    std::ranges::transform(keys, places.begin(), [](const TupleKey* key) { return key->data(); });
    std::array<void*, kMaxBurst> data;
    std::uint64_t hits = 0;
    rte_hash_lookup_bulk_data(table_.get(), places.data(), static_cast<std::uint32_t>(keys.size()), &hits,
                              data.data());
    for (std::size_t i = 0; i < keys.size(); ++i)
        found[i] = (hits >> i & 1) != 0 ? number_of(data[i]) : kNone;
}

bool ConnectionTable::insert(const TupleKey& key, std::uint32_t number) noexcept {
    return rte_hash_add_key_data(table_.get(), key.data(), data_of(number)) == 0;
}

void ConnectionTable::erase(const TupleKey& key) noexcept {
    (void)rte_hash_del_key(table_.get(), key.data());
}

std::uint32_t ConnectionTable::size() const noexcept {
    const std::int32_t count = rte_hash_count(table_.get());
    return count > 0 ? static_cast<std::uint32_t>(count) : 0;
}

}  // namespace l2echo::stack
