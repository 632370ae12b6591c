// Keeps l2echo off the interface that carries the machine's own traffic. Some ports still belong to the
// kernel (mlx5, af_packet, af_xdp, pcap): promiscuous echo on the one with the SSH session would lose the
// machine.
#pragma once

#include <string>
#include <vector>

#include "l2echo/machine/link.hpp"

namespace l2echo::machine {

/// What the kernel uses an interface for.
struct KernelInterfaceUse {
    std::vector<std::string> addresses;  ///< "192.0.2.1 on eth0", of it and of bridges, bonds, VLANs above
                                         ///< it; IPv6 link-local ones left out, as every interface has one
    bool default_route = false;          ///< in any table, by any of its next hops, also as halves
    bool ssh_session = false;            ///< at whichever port, on one of its addresses or routed over it
    std::vector<Link> above;             ///< what is stacked on it, nearest first
};

/// Why the interface must not be taken, for a message; empty when the kernel does not need it.
std::string reason_to_leave(const KernelInterfaceUse& use);

/// Looks the use up in the kernel, in the network namespace of this process and whatever is mounted on /sys.
/// Throws StartupError when the kernel does not tell.
KernelInterfaceUse read_kernel_interface_use(const std::string& interface);

}  // namespace l2echo::machine
