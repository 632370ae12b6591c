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

/// Established TCP connections of this network namespace at port 22, or at another one that an SSH server has
/// open or that SSH_CONNECTION of any process names: as far as we may see files and environments of others.
std::vector<SshSession> read_ssh_sessions();

}  // namespace l2echo::machine
