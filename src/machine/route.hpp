// The routes of the kernel, in all tables.
#pragma once

#include <vector>

#include "machine/ip_address.hpp"
#include "machine/netlink.hpp"
#include "machine/ssh_session.hpp"

namespace l2echo::machine {

struct Route {
    bool forwards = false;             ///< and is not local, a broadcast, unreachable ...
    unsigned prefix_length = 0;        ///< 0: of a default route
    std::vector<unsigned> interfaces;  ///< indices; several: of several next hops
};

/// The routes of all tables, whichever rule leads to them. Throws StartupError.
std::vector<Route> read_routes(Netlink& netlink);

/// The interfaces that packets of our end of a TCP connection leave by, as the rules say; empty: there is no
/// way.
std::vector<unsigned> interfaces_towards_client(Netlink& netlink, const SshSession& session);

}  // namespace l2echo::machine
