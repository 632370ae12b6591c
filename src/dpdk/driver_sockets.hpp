// Unix sockets in the file system that the drivers of virtual devices listen on. A driver does not reuse the
// socket that a killed process left behind, and its error does not say so.
#pragma once

#include <string>
#include <vector>

namespace l2echo::dpdk {

struct DriverSocket {
    std::string device;  ///< "net_memif0"
    std::string path;
    int type;  ///< a SOCK_ constant, such as SOCK_STREAM

    bool operator==(const DriverSocket&) const = default;
};

/// Returns the sockets that EAL creates for --vdev: those of net_memif, net_vhost and net_virtio_user as
/// servers.
std::vector<DriverSocket> driver_sockets(const std::vector<std::string>& eal_arguments);

/// Removes the sockets that a killed process left behind. Call before EAL starts. Throws StartupError if
/// there is anything else at a path.
void remove_dead_driver_sockets(const std::vector<std::string>& eal_arguments);

}  // namespace l2echo::dpdk
