// Keeps l2echo off the interface that carries the machine's own traffic. Some ports still belong to the
// kernel (mlx5, af_packet, af_xdp, pcap): echoing promiscuously on the one with the SSH session would cut off
// access to the machine.
#pragma once

#include <string>
#include <vector>

#include "l2echo/machine/link.hpp"

namespace l2echo::machine {

/// What the kernel uses an interface for.
struct KernelInterfaceUse {
    /// "192.0.2.1 on eth0": those of the interface and of bridges, bonds and VLANs above it, without IPv6
    /// link-local addresses, which every interface has.
    std::vector<std::string> addresses;
    bool default_route = false;  ///< in any table, over any next hop, also as two half routes
    bool ssh_session = false;    ///< on any port, to one of its addresses or routed over it
    std::vector<Link> above;     ///< interfaces stacked on it, nearest first
};

/// Returns why the interface must not be used, for a message; empty if the kernel does not need it.
std::string reason_to_leave(const KernelInterfaceUse& use);

/// Queries the kernel, in the network namespace of this process regardless of what is mounted on /sys. Throws
/// StartupError if the kernel does not answer.
KernelInterfaceUse read_kernel_interface_use(const std::string& interface);

}  // namespace l2echo::machine
