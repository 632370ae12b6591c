#include "l2echo/monitoring/http_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include "l2echo/dpdk/log.hpp"
#include "monitoring/listener.hpp"

namespace l2echo::monitoring {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Error = boost::system::error_code;
using Protocol = asio::generic::stream_protocol;
using Body = http::span_body<const char>;

/// A scraper sends its request at once. A client that sends it byte by byte only occupies a connection.
constexpr std::chrono::seconds kRequestTime{5};
constexpr std::chrono::seconds kResponseTime{5};
/// Scrapers keep their connection, and scrape once per minute at least.
constexpr std::chrono::seconds kIdleTime{120};
/// A client may still be sending when the answer is already known; a closed connection would cancel it.
constexpr std::chrono::seconds kLingerTime{1};
constexpr std::size_t kMaxConnections = 128;
constexpr std::uint32_t kMaxHeader = 8192;  // Prometheus sends about 400 bytes
/// A connection that could not be accepted stays in the queue.
constexpr std::chrono::milliseconds kRestAfterFailure{100};

std::string_view to_view(beast::string_view text) {
    return {text.data(), text.size()};
}

/// True if the bytes received are not an HTTP request.
bool is_malformed(const Error& error) {
    return error.category() == http::make_error_code(http::error::bad_method).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

}  // namespace

class Connection;
using ConnectionList = std::list<std::shared_ptr<Connection>>;

/// What the connections share.
struct Shared {
    HttpServer::Handler handler;
    ConnectionList connections{};  ///< the one that has waited longest is first
};

/// One client. Used by the server's thread only; a pending operation keeps the object alive.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(Protocol::socket socket, Shared& shared) : stream_(std::move(socket)), shared_(shared) {}

    void start() {
        place_ = shared_.connections.insert(shared_.connections.end(), shared_from_this());
        read_request(kRequestTime);
    }

    void close() {
        if (!place_)
            return;
        const std::shared_ptr<Connection> self = std::move(**place_);
        shared_.connections.erase(*std::exchange(place_, std::nullopt));
        stream_.close();
    }

  private:
    void read_request(std::chrono::seconds limit) {
        parser_.emplace();
        parser_->header_limit(kMaxHeader);
        stream_.expires_after(limit);
        http::async_read_header(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](const Error& error, std::size_t) { self->on_request(error); });
    }

    void on_request(const Error& error) {
        if (!place_)
            return;
        if (error && !is_malformed(error)) {
            close();
            return;
        }
        shared_.connections.splice(shared_.connections.end(), shared_.connections, *place_);
        if (error == http::error::header_limit)
            respond(text_response(431, fmt::format("A request may have {} bytes of headers.\n", kMaxHeader)),
                    false);
        else if (error)
            respond(text_response(400, fmt::format("This is not an HTTP request: {}.\n", error.message())),
                    false);
        else
            answer(parser_->get());
    }

    void answer(const http::request<http::empty_body>& request) {
        // A request with a body is answered without reading it.
        const bool keep_alive = request.keep_alive() && parser_->is_done();
        if (request.method() != http::verb::get && request.method() != http::verb::head) {
            respond(text_response(405, "Only GET and HEAD are answered.\n"), false);
            return;
        }
        const std::string_view target = to_view(request.target());
        try {
            respond(
                shared_.handler({target.substr(0, target.find('?')), to_view(request[http::field::accept])}),
                keep_alive);
        } catch (const std::exception& failure) {
            respond(text_response(500, fmt::format("{}\n", failure.what())), false);
        }
    }

    void respond(const Response& response, bool keep_alive) {
        body_ = response.body;
        const bool is_head = parser_->get().method() == http::verb::head;
        response_.emplace();
        response_->version(parser_->get().version() == 10 ? 10 : 11);
        response_->result(response.status);
        response_->set(http::field::content_type,
                       {response.content_type.data(), response.content_type.size()});
        if (response.status == 405)
            response_->set(http::field::allow, "GET, HEAD");
        response_->content_length(body_->size());
        response_->keep_alive(keep_alive);
        if (!is_head)
            response_->body() = {body_->data(), body_->size()};
        stream_.expires_after(kResponseTime);
        http::async_write(stream_, *response_,
                          [self = shared_from_this(), keep_alive](const Error& error, std::size_t) {
                              self->on_written(error, keep_alive);
                          });
    }

    void on_written(const Error& error, bool keep_alive) {
        if (!place_)
            return;
        if (error) {
            close();
        } else if (keep_alive) {
            read_request(kIdleTime);
        } else {
            Error ignored;
            stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
            stream_.expires_after(kLingerTime);
            linger();
        }
    }

    /// Discards what the client still sends.
    void linger() {
        stream_.async_read_some(asio::buffer(discarded_),
                                [self = shared_from_this()](const Error& error, std::size_t) {
                                    if (!self->place_)
                                        return;
                                    if (error)
                                        self->close();
                                    else
                                        self->linger();
                                });
    }

    beast::basic_stream<Protocol> stream_;
    Shared& shared_;
    std::optional<ConnectionList::iterator> place_;  ///< empty: closed
    beast::flat_buffer buffer_{std::size_t{2} * kMaxHeader};
    std::optional<http::request_parser<http::empty_body>> parser_;
    std::shared_ptr<const std::string> body_;
    std::optional<http::response<Body>> response_;
    std::array<char, 1024> discarded_{};
};

/// Accepts clients and closes those that have waited longest.
class Connections {
  public:
    Connections(int listener, HttpServer::Handler handler) : shared_{std::move(handler)} {
        // Asio closes the descriptor that it is given.
        const int own = fcntl(listener, F_DUPFD_CLOEXEC, 0);
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
        acceptor_.assign(Protocol(address.ss_family, 0), own);
        acceptor_.non_blocking(true);
        accept();
    }

    // A connection's socket closes through a service of the context, and what the context destroys with its
    // pending operations releases connections. So the list is emptied while both are alive.
    ~Connections() { shared_.connections.clear(); }
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    void run() { context_.run(); }
    void stop() { context_.stop(); }

  private:
    void accept() {
        acceptor_.async_accept([this](const Error& error, Protocol::socket socket) {
            if (error) {
                rest_after(error);
                return;
            }
            if (shared_.connections.size() >= kMaxConnections) {
                const std::shared_ptr<Connection> longest_waiting = shared_.connections.front();
                longest_waiting->close();
            }
            std::make_shared<Connection>(std::move(socket), shared_)->start();
            accept();
        });
    }

    void rest_after(const Error& error) {
        if (!std::exchange(failure_logged_, true))
            dpdk::log_warning(
                fmt::format("Metrics: clients have to wait: {}{}", error.message(),
                            error == boost::system::errc::too_many_files_open ? "; raise ulimit -n" : ""));
        rest_.expires_after(kRestAfterFailure);
        rest_.async_wait([this](const Error&) { accept(); });
    }

    Shared shared_;
    asio::io_context context_{1};
    asio::basic_socket_acceptor<Protocol> acceptor_{context_};
    asio::steady_timer rest_{context_};
    bool failure_logged_ = false;
};

Response text_response(unsigned status, std::string text) {
    return {.status = status, .body = std::make_shared<const std::string>(std::move(text))};
}

HttpServer::HttpServer(const char* option, const cli::Endpoint& endpoint, Handler handler)
    : listener_(std::make_unique<Listener>(option, endpoint)),
      connections_(std::make_unique<Connections>(listener_->descriptor(), std::move(handler))),
      thread_(std::make_unique<dpdk::ControlThread>("l2echo-http", [this] { connections_->run(); })) {
    endpoint_ = listener_->endpoint();
}

HttpServer::~HttpServer() {
    connections_->stop();
    thread_.reset();
}

}  // namespace l2echo::monitoring
