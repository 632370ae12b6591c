// Sessions with this machine's SSH server.
#pragma once

#include <cstdint>
#include <vector>

#include "machine/ip_address.hpp"

namespace l2echo::machine {

struct SshSession {
    IpAddress local;
    IpAddress remote;
    std::uint16_t local_port = 0;
    std::uint16_t remote_port = 0;
};

/// Returns the established TCP connections of this network namespace on port 22, and those on other ports
/// that an SSH server has open or that SSH_CONNECTION of any process names. Sees only files and environments
/// that this process may read.
std::vector<SshSession> read_ssh_sessions();

}  // namespace l2echo::machine
