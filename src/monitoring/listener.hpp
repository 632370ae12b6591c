// The socket on which a server listens: TCP or unix.
#pragma once

#include <optional>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/process/file_descriptor.hpp"
#include "l2echo/process/listening_socket.hpp"

namespace l2echo::monitoring {

class Listener {
  public:
    /// Throws StartupError, "OPTION ENDPOINT: why".
    Listener(const char* option, const cli::Endpoint& endpoint);

    /// Non-blocking.
    int descriptor() const noexcept { return unix_ ? unix_->get() : tcp_.get(); }
    /// Returns the endpoint with the port that the kernel chose.
    const cli::Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    cli::Endpoint endpoint_;
    std::optional<process::ListeningSocket> unix_;
    process::FileDescriptor tcp_;
};

}  // namespace l2echo::monitoring
