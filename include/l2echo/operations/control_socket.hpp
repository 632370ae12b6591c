// A stream socket in the file system on which operators speak to a running echo, as they do to other daemons:
// one command a line, one JSON object a line back, so that a shell and a program serve alike.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/listening_socket.hpp"

namespace l2echo::operations {

/// Owner only (mode 0600): whoever reaches it controls the session. One thread.
class ControlSocket {
  public:
    using Commands = std::function<std::string(std::string_view line)>;

    /// Takes over the path of a process that is gone; throws StartupError when it is in use or cannot be had.
    ControlSocket(std::string path, Commands commands);

    /// Waits for clients and their commands, no longer than this.
    void serve(std::chrono::milliseconds limit);

  private:
    struct Client {
        process::FileDescriptor descriptor;
        std::string unfinished_line;
    };

    void accept_client();
    bool serve_client(Client& client);  ///< false: it is to be closed

    Commands commands_;
    process::ListeningSocket listener_;
    std::vector<Client> clients_;
    std::chrono::steady_clock::time_point accept_again_;  ///< no client is accepted before that
    bool told_failure_ = false;
};

}  // namespace l2echo::operations
