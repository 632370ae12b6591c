// Sessions with this machine's SSH server.
#pragma once

#include <vector>

#include "machine/ip_address.hpp"

namespace l2echo::machine {

struct SshSession {
    IpAddress local;
    IpAddress remote;
};

/// Established TCP connections of this network namespace at port 22, or at another one that an SSH server has
/// open, as far as we may see its files, or that SSH_CONNECTION of ours or of a process above us names (sudo
/// takes it away).
std::vector<SshSession> read_ssh_sessions();

}  // namespace l2echo::machine
