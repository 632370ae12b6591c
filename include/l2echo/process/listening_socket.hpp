// Unix sockets in the file system: which of them may be removed, and one to listen on.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::process {

/// Makes way for a socket of this type (such as SOCK_STREAM): removes the one that a killed process left at
/// `path`, which must belong to this user and to no process any more, whatever its type. Throws StartupError,
/// "WHAT PATH: why", when something else is there. Waits a second at most.
void remove_dead_socket(std::string_view what, const std::string& path, int type);

/// A stream socket that does not block, for this user alone (mode 0600).
class ListeningSocket {
  public:
    /// Takes over the path of a process that is gone. Throws StartupError, "WHAT PATH: why".
    ListeningSocket(std::string_view what, std::string path, int backlog);
    ~ListeningSocket();  ///< removes the path if it still leads to this socket
    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;

    int get() const noexcept { return descriptor_.get(); }

  private:
    void remove_name() noexcept;

    std::string path_;
    FileDescriptor descriptor_;
    dev_t device_ = 0;
    ino_t inode_ = 0;  ///< not given to another file while the socket is open
};

}  // namespace l2echo::process
