// Unix sockets in the file system that the drivers of virtual devices listen on. A driver does not take over
// what a killed process left of one, and its error does not say so.
#pragma once

#include <string>
#include <vector>

namespace l2echo::dpdk {

struct DriverSocket {
    std::string device;  ///< "net_memif0"
    std::string path;
    int type;  ///< SOCK_STREAM and so on

    bool operator==(const DriverSocket&) const = default;
};

/// The sockets that EAL creates for --vdev: those of net_memif, net_vhost and net_virtio_user as servers.
std::vector<DriverSocket> driver_sockets(const std::vector<std::string>& eal_arguments);

/// Removes those that a killed process left. Before EAL starts. Throws StartupError for a path where
/// something else is.
void remove_dead_driver_sockets(const std::vector<std::string>& eal_arguments);

}  // namespace l2echo::dpdk
