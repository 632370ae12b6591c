#include "l2echo/stack/connection_table.hpp"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_jhash.h>

#include "l2echo/process/error.hpp"

namespace l2echo::stack {

ConnectionTable::ConnectionTable(const std::string& name, std::uint32_t capacity, int numa_node,
                                 std::uint32_t seed) {
    rte_hash_parameters parameters{};
    parameters.name = name.c_str();
    parameters.entries = capacity;
    parameters.key_len = sizeof(TupleKey);
    parameters.hash_func = rte_jhash;
    parameters.hash_func_init_val = seed;
    parameters.socket_id = numa_node;
    // All entries fit, however unlucky their hashes are.
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    table_.reset(rte_hash_create(&parameters));
    if (!table_)
        throw process::StartupError(
            fmt::format("rte_hash_create: {}: a table of {} connections does not fit; "
                        "give EAL more memory with -m, or allow fewer connections",
                        rte_strerror(rte_errno), capacity));
}

}  // namespace l2echo::stack
