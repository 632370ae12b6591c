#include "l2echo/operations/control_socket.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::operations {
namespace {

constexpr std::size_t kMaxClients = 16;
constexpr std::size_t kMaxLine = 4096;

[[noreturn]] void fail(const std::string& path, const std::string& why) {
    throw process::StartupError(fmt::format("--control-socket {}: {}", path, why));
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        fail(path, fmt::format("the path may have {} bytes at most", sizeof address.sun_path - 1));
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

/// A socket that nobody listens on is what a killed process leaves behind.
void remove_stale(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (lstat(path.c_str(), &status) != 0)
        return;
    if (!S_ISSOCK(status.st_mode))
        fail(path, "there is something that is not a socket; choose another path");
    const process::FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(probe.get(), generic(address), sizeof address) == 0)
        fail(path, "another process listens there; choose another path");
    if (errno != ECONNREFUSED)
        fail(path, std::strerror(errno));
    unlink(path.c_str());
}

}  // namespace

ControlSocket::ControlSocket(std::string path, Commands commands)
    : path_(std::move(path)), commands_(std::move(commands)) {
    const sockaddr_un address = address_of(path_);
    remove_stale(path_, address);
    listener_ = process::FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener_.valid())
        fail(path_, std::strerror(errno));
    const mode_t mask = umask(S_IRWXG | S_IRWXO | S_IXUSR);
    const int bound = bind(listener_.get(), generic(address), sizeof address);
    const int bind_error = errno;
    umask(mask);
    if (bound != 0)
        fail(path_, std::strerror(bind_error));
    if (listen(listener_.get(), kMaxClients) != 0) {
        const int listen_error = errno;
        unlink(path_.c_str());
        fail(path_, std::strerror(listen_error));
    }
}

ControlSocket::~ControlSocket() {
    unlink(path_.c_str());
}

void ControlSocket::serve(std::chrono::milliseconds limit) {
    std::vector<pollfd> events{{clients_.size() < kMaxClients ? listener_.get() : -1, POLLIN, 0}};
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
    if (descriptor.valid())
        clients_.push_back({std::move(descriptor), {}});
}

/// An answer that the client does not take at once ends the connection: nobody here waits for it.
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
