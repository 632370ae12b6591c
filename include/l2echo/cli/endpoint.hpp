// Places to listen at, in options.
#pragma once

#include <cstdint>
#include <string>

namespace l2echo::cli {

/// An IP address and a TCP port, or the path of a unix socket.
struct Endpoint {
    std::string address;     ///< "127.0.0.1", "::1"; empty: a unix socket
    std::uint16_t port = 0;  ///< 0: the kernel chooses one
    std::string path;        ///< of the unix socket; empty: none

    bool empty() const noexcept { return address.empty() && path.empty(); }
};

/// Parses text such as "127.0.0.1:9464", "[::1]:9464" or "unix:/run/l2echo/metrics.sock". Throws UsageError
/// with `option`, the text and examples.
Endpoint parse_endpoint(const std::string& text, const char* option);

/// Returns the text that parse_endpoint() accepts; empty if the endpoint is.
std::string format_endpoint(const Endpoint& endpoint);

}  // namespace l2echo::cli
