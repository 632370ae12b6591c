#include "machine/netlink.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {
namespace {

using TakeAttribute = std::function<void(const nlattr&)>;

/// The kernel fills up to 32 KiB a message of a dump (NLMSG_GOODSIZE, net/netlink/af_netlink.c).
constexpr std::size_t kBufferSize = 32768;

int call_take(const nlmsghdr* message, void* take) {
    (*static_cast<const Netlink::Take*>(take))(*message);
    return MNL_CB_OK;
}

int call_take_attribute(const nlattr* attribute, void* take) {
    (*static_cast<const TakeAttribute*>(take))(*attribute);
    return MNL_CB_OK;
}

}  // namespace

Netlink::Netlink(int bus, unsigned groups)
    : socket_(mnl_socket_open2(bus, SOCK_CLOEXEC), mnl_socket_close), buffer_(kBufferSize) {
    if (!socket_ || mnl_socket_bind(socket_.get(), groups, MNL_SOCKET_AUTOPID) != 0)
        throw process::StartupError(
            fmt::format("netlink: {}: cannot tell which interfaces the kernel needs; allow AF_NETLINK",
                        std::strerror(errno)));
}

nlmsghdr& Netlink::begin(std::uint16_t type, std::uint16_t flags) {
    nlmsghdr* request = mnl_nlmsg_put_header(buffer_.data());
    request->nlmsg_type = type;
    request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    request->nlmsg_seq = ++sequence_;
    return *request;
}

int Netlink::exchange(nlmsghdr& request, const Take& take) {
    const unsigned port = mnl_socket_get_portid(socket_.get());
    const bool is_dump = (request.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    if (mnl_socket_sendto(socket_.get(), &request, request.nlmsg_len) < 0)
        return errno;
    int more = MNL_CB_OK;
    while (more > MNL_CB_STOP) {
        const ssize_t size = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
        if (size < 0)
            return errno;
        more = mnl_cb_run(buffer_.data(), static_cast<std::size_t>(size), sequence_, port, call_take,
                          const_cast<Take*>(&take));
        if (more < 0)
            return errno;
        if (!is_dump)
            break;
    }
    return 0;
}

void Netlink::drain() noexcept {
    while (recv(descriptor(), buffer_.data(), buffer_.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {
    }
}

void for_each_attribute(const nlmsghdr& message, std::size_t body_size, const TakeAttribute& take) {
    mnl_attr_parse(&message, static_cast<unsigned>(body_size), call_take_attribute,
                   const_cast<TakeAttribute*>(&take));
}

void for_each_attribute(const nlattr& outer, const TakeAttribute& take) {
    mnl_attr_parse_nested(&outer, call_take_attribute, const_cast<TakeAttribute*>(&take));
}

}  // namespace l2echo::machine
