// The routes of the kernel, in all tables.
#pragma once

#include <vector>

#include "machine/ip_address.hpp"
#include "machine/netlink.hpp"

namespace l2echo::machine {

struct Route {
    bool forwards = false;             ///< and is not local, a broadcast, unreachable ...
    unsigned prefix_length = 0;        ///< 0: of a default route
    std::vector<unsigned> interfaces;  ///< indices; several: of several next hops
};

/// The routes of all tables, whichever rule leads to them. Throws StartupError.
std::vector<Route> read_routes(Netlink& netlink);

/// The interfaces that packets from one of our addresses leave by, as the rules say; empty: there is no way.
std::vector<unsigned> interfaces_towards(Netlink& netlink, const IpAddress& local, const IpAddress& remote);

}  // namespace l2echo::machine
