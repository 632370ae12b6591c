// Allocates objects in DPDK memory on a chosen NUMA node.
#pragma once

#include <rte_malloc.h>

#include <memory>
#include <new>
#include <utility>

#include "l2echo/process/error.hpp"

namespace l2echo::dpdk {

struct NumaDelete {
    template <typename Object>
    void operator()(Object* object) const noexcept {
        object->~Object();
        rte_free(object);
    }
};

template <typename Object>
using NumaPtr = std::unique_ptr<Object, NumaDelete>;

/// Creates the object on the node, or on any node if that one has no memory left. For objects that a worker
/// writes on every burst. Throws StartupError.
template <typename Object, typename... Arguments>
NumaPtr<Object> make_on_node(int numa_node, Arguments&&... arguments) {
    void* memory = rte_malloc_socket("l2echo", sizeof(Object), alignof(Object), numa_node);
    if (memory == nullptr)
        memory = rte_malloc("l2echo", sizeof(Object), alignof(Object));
    if (memory == nullptr)
        throw process::StartupError("no memory for a worker; reserve hugepages or raise -m");
    return NumaPtr<Object>(new (memory) Object(std::forward<Arguments>(arguments)...));
}

}  // namespace l2echo::dpdk
