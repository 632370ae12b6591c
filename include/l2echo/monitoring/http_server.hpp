// A small HTTP server for monitoring systems. It answers GET and HEAD, and keeps answering however clients
// behave.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "l2echo/cli/endpoint.hpp"
#include "l2echo/dpdk/control_thread.hpp"

namespace l2echo::monitoring {

struct Request {
    std::string_view path;    ///< without the query
    std::string_view accept;  ///< value of the Accept header; empty: none
};

struct Response {
    unsigned status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";  ///< static storage
    std::shared_ptr<const std::string> body;                      ///< not null
};

Response text_response(unsigned status, std::string text);

class Listener;
class Connections;

/// Serves on a control thread of its own. A request must be complete within a few seconds, headers are
/// limited, and if there are many connections, the one that has been waiting longest makes room for the next.
class HttpServer {
  public:
    /// Called by the server's thread; must not block. An exception becomes status 500.
    using Handler = std::function<Response(const Request& request)>;

    /// Listens from here on. `option` is the option that gave the endpoint, for messages. Throws
    /// StartupError, "OPTION ENDPOINT: why".
    HttpServer(const char* option, const cli::Endpoint& endpoint, Handler handler);
    ~HttpServer();  ///< closes all connections and joins the thread
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Returns the endpoint with the port that the kernel chose.
    const cli::Endpoint& endpoint() const noexcept { return endpoint_; }

  private:
    cli::Endpoint endpoint_;
    std::unique_ptr<Listener> listener_;
    std::unique_ptr<Connections> connections_;
    std::unique_ptr<dpdk::ControlThread> thread_;
};

}  // namespace l2echo::monitoring
