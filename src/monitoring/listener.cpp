#include "monitoring/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::monitoring {
namespace {

constexpr int kBacklog = 128;

struct Address {
    sockaddr_storage storage{};
    socklen_t length = 0;

    sockaddr* generic() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

/// The text is an address: parse_endpoint() checked it.
Address address_of(const cli::Endpoint& endpoint) {
    Address address;
    sockaddr_in ipv4{};
    if (inet_pton(AF_INET, endpoint.address.c_str(), &ipv4.sin_addr) == 1) {
        ipv4.sin_family = AF_INET;
        ipv4.sin_port = htons(endpoint.port);
        address.length = sizeof ipv4;
        std::memcpy(&address.storage, &ipv4, sizeof ipv4);
    } else {
        sockaddr_in6 ipv6{};
        inet_pton(AF_INET6, endpoint.address.c_str(), &ipv6.sin6_addr);
        ipv6.sin6_family = AF_INET6;
        ipv6.sin6_port = htons(endpoint.port);
        address.length = sizeof ipv6;
        std::memcpy(&address.storage, &ipv6, sizeof ipv6);
    }
    return address;
}

std::uint16_t port_of(int socket) {
    Address address;
    address.length = sizeof address.storage;
    if (getsockname(socket, address.generic(), &address.length) != 0)
        return 0;
    sockaddr_in ipv4{};  // the port is at the same place in both
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    std::memcpy(&ipv4, &address.storage, sizeof ipv4);
    return ntohs(ipv4.sin_port);
}

std::string advice_for(int error) {
    switch (error) {
        case EADDRINUSE:
            return "; another process listens there: choose another port";
        case EADDRNOTAVAIL:
            return "; no interface of this machine has this address: ip address lists them";
        case EACCES:
            return "; ports below 1024 need CAP_NET_BIND_SERVICE: choose another port";
        case EAFNOSUPPORT:
            return "; this machine has no IPv6: give an IPv4 address";
        default:
            return "";
    }
}

[[noreturn]] void fail(const char* option, const cli::Endpoint& endpoint, int error) {
    throw process::StartupError(fmt::format("{} {}: {}{}", option, cli::format_endpoint(endpoint),
                                            std::strerror(error), advice_for(error)));
}

}  // namespace

Listener::Listener(const char* option, const cli::Endpoint& endpoint) : endpoint_(endpoint) {
    if (!endpoint.path.empty()) {
        unix_.emplace(option, endpoint.path, kBacklog);
        return;
    }
    Address address = address_of(endpoint);
    tcp_ = process::FileDescriptor(
        socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!tcp_.valid())
        fail(option, endpoint, errno);
    // Connections of a program that has just ended must not keep the next one from listening.
    const int on = 1;
    if (setsockopt(tcp_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(tcp_.get(), address.generic(), address.length) != 0 || listen(tcp_.get(), kBacklog) != 0)
        fail(option, endpoint, errno);
    endpoint_.port = port_of(tcp_.get());
}

}  // namespace l2echo::monitoring
