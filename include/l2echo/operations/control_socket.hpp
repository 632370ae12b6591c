// The control socket: a Unix stream socket through which operators control a running echo, as with other
// daemons. One command per line, answered with one JSON object per line, so that both shells and programs can
// use it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/listening_socket.hpp"

namespace l2echo::operations {

/// Accessible to the owner only (mode 0600), because every client can control the session. Used by one
/// thread.
class ControlSocket {
  public:
    using Commands = std::function<std::string(std::string_view line)>;

    /// Reuses the path of a process that is gone. Throws StartupError if the path is in use or not available.
    ControlSocket(std::string path, Commands commands);

    /// Waits for clients and serves their commands, for at most `limit`.
    void serve(std::chrono::milliseconds limit);

  private:
    struct Client {
        process::FileDescriptor descriptor;
        std::string unfinished_line;
    };

    void accept_client();
    bool serve_client(Client& client);  ///< false: close the client

    Commands commands_;
    process::ListeningSocket listener_;
    std::vector<Client> clients_;
    std::chrono::steady_clock::time_point accept_again_;  ///< no client is accepted before this time
    bool failure_logged_ = false;
};

}  // namespace l2echo::operations
