// The capabilities(7) of this process.
#pragma once

#include <cstdint>

namespace l2echo::machine {

/// Returns the effective capabilities, one bit per CAP_ number of linux/capability.h.
std::uint64_t effective_capabilities() noexcept;

/// Makes every permitted capability effective for the calling thread and the threads that it creates later. A
/// file with `cap_ipc_lock=p` then works as with `=ep`, and unlike that also starts where the capability is
/// denied: the kernel refuses to execute a file whose `=ep` exceeds the bounding set, such as a container's.
void raise_permitted_capabilities() noexcept;

}  // namespace l2echo::machine
