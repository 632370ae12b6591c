// Unix sockets in the file system: removal of stale ones, and a socket to listen on.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {

/// Removes the socket that a killed process left at `path`, so that a socket of this type (such as
/// SOCK_STREAM) can be bound there. The old socket may be of any type, but must belong to this user and no
/// process may still have it open. Throws StartupError, "WHAT PATH: why", if anything else is there. Waits at
/// most one second.
void remove_dead_socket(std::string_view what, const std::string& path, int type);

/// A non-blocking stream socket, accessible to this user only (mode 0600).
class ListeningSocket {
  public:
    /// Reuses the path if the process that left a socket there is gone. Throws StartupError, "WHAT PATH:
    /// why".
    ListeningSocket(std::string_view what, std::string path, int backlog);
    ~ListeningSocket();  ///< removes the path if it still refers to this socket
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    int get() const noexcept { return descriptor_.get(); }

  private:
    void remove_name() noexcept;

    std::string path_;
    FileDescriptor descriptor_;
    dev_t device_ = 0;
    ino_t inode_ = 0;  ///< the kernel does not reuse it while the socket is open
};

}  // namespace l2echo::process
