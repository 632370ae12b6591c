#include "l2echo/control/control_client.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "l2echo/process/error.hpp"
#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::control {
namespace {

using Clock = std::chrono::steady_clock;

/// The socket, and the time at which patience ends.
struct Peer {
    const std::string& path;
    Clock::time_point deadline;

    [[noreturn]] void fail(std::string_view why) const {
        throw std::runtime_error(fmt::format("{}: {}", path, why));
    }
    std::int64_t milliseconds_left() const {
        return std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    }
};

std::string describe_connect_error(int error) {
    switch (error) {
        case ENOENT:
            return "there is no such socket; start l2_multi_echo with --control-socket PATH";
        case ECONNREFUSED:
            return "no process listens there; start l2_multi_echo with --control-socket PATH";
        case EACCES:
            return "it belongs to another user; run this as that user, or with sudo";
        case ENOTSOCK:
        case EPROTOTYPE:
            return "it is not a control socket";
        default:
            return std::strerror(error);
    }
}

sockaddr_un address_of(const Peer& peer) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (peer.path.size() >= sizeof address.sun_path)
        peer.fail(fmt::format("the path may have {} bytes at most", sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, peer.path.data(), peer.path.size());
    return address;
}

/// A server whose queue of connections is full says EAGAIN, and there is nothing to poll for.
process::FileDescriptor connect_to(const Peer& peer) {
    const sockaddr_un address = address_of(peer);
    constexpr int kRetryMilliseconds = 10;
    for (;;) {
        process::FileDescriptor descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            return descriptor;
        if (errno != EAGAIN && errno != EINTR)
            peer.fail(describe_connect_error(errno));
        if (peer.milliseconds_left() <= 0)
            peer.fail("it accepts no connection; too many clients are connected, or its process is stopped");
        poll(nullptr, 0, kRetryMilliseconds);
    }
}

void wait_for(const process::FileDescriptor& descriptor, short events, const Peer& peer) {
    pollfd ready{descriptor.get(), events, 0};
    int count = 0;
    do {
        const std::int64_t left = peer.milliseconds_left();
        count = left > 0 ? poll(&ready, 1, static_cast<int>(left)) : 0;
    } while (count < 0 && errno == EINTR);
    if (count == 0)
        peer.fail("no answer in time; too many clients are connected, or its process is stopped");
}

void send_line(const process::FileDescriptor& descriptor, const std::string& command, const Peer& peer) {
    const std::string line = command + "\n";
    for (std::string_view rest = line; !rest.empty();) {
        wait_for(descriptor, POLLOUT, peer);
        const ssize_t sent = send(descriptor.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent >= 0)
            rest.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN && errno != EINTR)
            peer.fail(fmt::format("the command was not sent: {}", std::strerror(errno)));
    }
}

std::string receive_line(const process::FileDescriptor& descriptor, const Peer& peer) {
    constexpr std::size_t kMaxAnswer = 1 << 20;
    std::string line;
    std::array<char, 4096> bytes{};
    for (;;) {
        wait_for(descriptor, POLLIN, peer);
        const ssize_t count = recv(descriptor.get(), bytes.data(), bytes.size(), 0);
        if (count == 0 || (count < 0 && errno == ECONNRESET))
            peer.fail("the connection ended before the answer did");
        if (count < 0 && errno != EAGAIN && errno != EINTR)
            peer.fail(std::strerror(errno));
        if (count > 0)
            line.append(bytes.data(), static_cast<std::size_t>(count));
        if (const auto end = line.find('\n'); end != std::string::npos)
            return line.substr(0, end);
        if (line.size() > kMaxAnswer)
            peer.fail("it is not a control socket: the answer has no end");
    }
}

Answer read_answer(std::string line, const Peer& peer) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("ok") || !json["ok"].is_boolean())
        peer.fail("it is not a control socket: the answer is not JSON with \"ok\"");
    if (json["ok"].get<bool>())
        return {std::move(line), {}};
    return {std::move(line), json.value("error", "the command failed")};
}

}  // namespace

Answer ask(const std::string& socket_path, const std::string& command, std::chrono::milliseconds limit) {
    if (command.find('\n') != std::string::npos)
        throw process::UsageError("a command is one line");
    const Peer peer{socket_path, Clock::now() + limit};
    const process::FileDescriptor descriptor = connect_to(peer);
    send_line(descriptor, command, peer);
    return read_answer(receive_line(descriptor, peer), peer);
}

std::string help_table(const std::string& answer) {
    const auto json = nlohmann::ordered_json::parse(answer, nullptr, false);
    if (!json.is_object() || !json.contains("help") || !json["help"].is_object())
        return {};
    std::size_t width = 0;
    for (const auto& row : json["help"].items())
        width = std::max(width, row.key().size());
    std::string table;
    for (const auto& row : json["help"].items())
        if (row.value().is_string())
            table += fmt::format("{:<{}}  {}\n", row.key(), width, row.value().get<std::string>());
    return table;
}

}  // namespace l2echo::control
