#include "l2echo/monitoring/http_server.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "temporary_file.hpp"

namespace l2echo::monitoring {
namespace {

/// A client on a unix socket; its connection stays open until it is destroyed.
class Client {
  public:
    explicit Client(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view text) const {
        EXPECT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }

    /// Returns what arrives next; empty: the server closed the connection.
    std::string receive() const {
        std::array<char, 1024> bytes{};
        const ssize_t length = recv(socket_, bytes.data(), bytes.size(), 0);
        return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
    }

  private:
    int socket_;
};

TEST(HttpServer, ClosesConnectionsThatAreWaitingWhenItStops) {
    const TemporaryFile file("");
    const std::string path = file.path() + ".socket";
    std::optional<HttpServer> server;
    server.emplace("--metrics", cli::Endpoint{.address = {}, .path = path},
                   [](const Request&) { return text_response(200, "alive\n"); });

    const Client kept(path);
    kept.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    EXPECT_NE(kept.receive().find("alive\n"), std::string::npos);
    const Client half_sent(path);
    half_sent.send("GET /live");
    const Client answered(path);
    answered.send("GET /livez HTTP/1.0\r\n\r\n");
    EXPECT_NE(answered.receive().find("alive\n"), std::string::npos);

    server.reset();

    for (const Client* client : {&kept, &half_sent, &answered})
        EXPECT_EQ(client->receive(), "");
}

}  // namespace
}  // namespace l2echo::monitoring
