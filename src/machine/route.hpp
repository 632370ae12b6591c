// Kernel routes of all tables.
#pragma once

#include <vector>

#include "machine/ip_address.hpp"
#include "machine/netlink.hpp"
#include "machine/ssh_session.hpp"

namespace l2echo::machine {

struct Route {
    bool forwards = false;             ///< a unicast route: not local, broadcast, unreachable ...
    unsigned prefix_length = 0;        ///< 0: default route
    std::vector<unsigned> interfaces;  ///< indices; several if the route has several next hops
};

/// Reads the routes of all tables, regardless of the policy rules that select them. Throws StartupError.
std::vector<Route> read_routes(Netlink& netlink);

/// Returns the interfaces over which our packets of a TCP connection leave, following the policy rules; empty
/// if there is no route.
std::vector<unsigned> interfaces_towards_client(Netlink& netlink, const SshSession& session);

}  // namespace l2echo::machine
