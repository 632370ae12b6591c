// The interfaces of the kernel in this network namespace, and how they are stacked.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace l2echo::machine {

struct Link {
    unsigned index = 0;
    std::string name;
    unsigned hardware_type = 0;    ///< ARPHRD_ETHER and so on, of <linux/if_arp.h>
    std::string kind;              ///< "bridge", "vlan", "tun" ...; empty: a device of its own
    std::vector<unsigned> lowers;  ///< indices of what is below it: its link, and the ports of an hsr
    unsigned master = 0;           ///< index of the bridge, bond, team or VRF that it is a member of; 0: none
    bool promiscuous = false;      ///< switched on by its flag, and not by a program that listens
    unsigned attached_queues = 0;  ///< of a tap with several: those that a process has open
};

/// Throws StartupError.
std::vector<Link> read_links();

/// The link of this index and all that is stacked on it, nearest first; empty: there is none.
std::vector<Link> with_uppers(const std::vector<Link>& links, unsigned index);

/// By its name or one of its alternative names.
std::optional<Link> find_link(const std::string& name);

/// Whether frames of the interface begin with an Ethernet header.
bool has_ethernet_header(const Link& link);

}  // namespace l2echo::machine
