#include "l2echo/machine/capabilities.hpp"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace l2echo::machine {
namespace {

using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

/// glibc has no function for these system calls.
long call(long number, Sets& sets) noexcept {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    return syscall(number, &header, sets.data());
}

}  // namespace

std::uint64_t effective_capabilities() noexcept {
    Sets sets{};
    if (call(SYS_capget, sets) != 0)
        return 0;
    return std::uint64_t{sets[1].effective} << 32 | sets[0].effective;
}

void raise_permitted_capabilities() noexcept {
    Sets sets{};
    if (call(SYS_capget, sets) != 0)
        return;
    for (__user_cap_data_struct& part : sets)
        part.effective = part.permitted;
    call(SYS_capset, sets);  // allowed to everybody; without it the process continues as it is
}

}  // namespace l2echo::machine
