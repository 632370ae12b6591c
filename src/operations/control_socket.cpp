#include "l2echo/operations/control_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "l2echo/dpdk/log.hpp"

namespace l2echo::operations {
namespace {

constexpr std::size_t kMaxClients = 16;
constexpr std::size_t kMaxLine = 4096;
/// A client that could not be accepted stays in the queue, so without a pause poll() would return at once,
/// endlessly.
constexpr std::chrono::milliseconds kRestAfterFailure{100};

}  // namespace

ControlSocket::ControlSocket(std::string path, Commands commands)
    : commands_(std::move(commands)), listener_("--control-socket", std::move(path), kMaxClients) {}

void ControlSocket::serve(std::chrono::milliseconds limit) {
    const bool accepts = clients_.size() < kMaxClients && std::chrono::steady_clock::now() >= accept_again_;
    std::vector<pollfd> events{{accepts ? listener_.get() : -1, POLLIN, 0}};
    for (const Client& client : clients_)
        events.push_back({client.descriptor.get(), POLLIN, 0});
    if (poll(events.data(), events.size(), static_cast<int>(limit.count())) <= 0)
        return;
    for (std::size_t i = events.size() - 1; i > 0; --i) {
        Client& client = clients_[i - 1];
        if (events[i].revents == 0 || serve_client(client))
            continue;
        clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    if (events[0].revents != 0)
        accept_client();
}

void ControlSocket::accept_client() {
    process::FileDescriptor descriptor(
        accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (descriptor.valid()) {
        clients_.push_back({std::move(descriptor), {}});
        return;
    }
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
        return;
    accept_again_ = std::chrono::steady_clock::now() + kRestAfterFailure;
    if (!std::exchange(failure_logged_, true))
        dpdk::log_warning(fmt::format("Control socket: clients have to wait: {}{}", std::strerror(errno),
                                      errno == EMFILE ? "; raise ulimit -n" : ""));
}

/// Closes the connection if the client does not accept an answer at once: the thread must not wait for it.
bool ControlSocket::serve_client(Client& client) {
    std::array<char, kMaxLine> bytes;
    const ssize_t count = read(client.descriptor.get(), bytes.data(), bytes.size());
    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    client.unfinished_line.append(bytes.data(), static_cast<std::size_t>(count));
    for (std::size_t end; (end = client.unfinished_line.find('\n')) != std::string::npos;) {
        const std::string answer = commands_(client.unfinished_line.substr(0, end)) + "\n";
        client.unfinished_line.erase(0, end + 1);
        if (send(client.descriptor.get(), answer.data(), answer.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(answer.size()))
            return false;
    }
    return client.unfinished_line.size() <= kMaxLine;
}

}  // namespace l2echo::operations
