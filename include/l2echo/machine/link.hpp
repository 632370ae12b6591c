// Kernel interfaces in this network namespace, and how they are stacked.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace l2echo::machine {

struct Link {
    unsigned index = 0;
    std::string name;
    unsigned hardware_type = 0;    ///< an ARPHRD_ constant of <linux/if_arp.h>, such as ARPHRD_ETHER
    std::string kind;              ///< "bridge", "vlan", "tun" ...; empty: none, as for a physical NIC
    std::vector<unsigned> lowers;  ///< indices of the interfaces below it: its link, and the ports of an hsr
    unsigned master = 0;           ///< index of its bridge, bond, team or VRF; 0: none
    bool promiscuous = false;      ///< by the interface flag, not by a program that captures
    unsigned attached_queues = 0;  ///< of a multi-queue tap: queues that a process has open
};

/// Reads all links. Throws StartupError.
std::vector<Link> read_links();

/// Returns the link with this index and all links stacked on it, nearest first; empty if there is no such
/// link.
std::vector<Link> with_uppers(const std::vector<Link>& links, unsigned index);

/// Finds a link by its name or one of its alternative names.
std::optional<Link> find_link(const std::string& name);

/// True if frames of the interface begin with an Ethernet header.
bool has_ethernet_header(const Link& link);

}  // namespace l2echo::machine
