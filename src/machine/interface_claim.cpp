#include "l2echo/machine/interface_claim.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {

process::FileDescriptor claim_interface(const std::string& interface) {
    // Like the interface index, an abstract socket name is local to the network namespace. It disappears with
    // its process.
    const std::string name = fmt::format("l2echo-interface-{}", if_nametoindex(interface.c_str()));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data(), name.size());
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    process::FileDescriptor claim(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (claim.valid() && bind(claim.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0)
        return claim;
    throw process::StartupError(
        errno == EADDRINUSE
            ? fmt::format("l2echo receives from {} already, and each frame would be echoed twice; "
                          "stop that process, or choose another interface",
                          interface)
            : fmt::format("socket of the claim on {}: {}", interface, std::strerror(errno)));
}

}  // namespace l2echo::machine
