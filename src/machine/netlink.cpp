#include "machine/netlink.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "l2echo/process/error.hpp"

namespace l2echo::machine {
namespace {

/// The kernel fills up to 32 KiB per message of a dump (NLMSG_GOODSIZE, net/netlink/af_netlink.c).
constexpr std::size_t kBufferSize = 32768;

std::size_t aligned(std::size_t size) {
    return NLMSG_ALIGN(size);  // attributes have the same alignment
}

void append(std::vector<std::byte>& message, std::span<const std::byte> bytes) {
    message.insert(message.end(), bytes.begin(), bytes.end());
    message.resize(aligned(message.size()));
}

void for_each_in(std::span<const std::byte> bytes, const std::function<void(const Attribute&)>& take) {
    nlattr header{};
    while (bytes.size() >= sizeof header) {
        std::memcpy(&header, bytes.data(), sizeof header);
        if (header.nla_len < sizeof header || header.nla_len > bytes.size())
            return;
        take({header.nla_type & NLA_TYPE_MASK, bytes.subspan(NLA_HDRLEN, header.nla_len - NLA_HDRLEN)});
        bytes = bytes.subspan(std::min(aligned(header.nla_len), bytes.size()));
    }
}

/// Passes the messages of one datagram to `take`. Returns 0 or the errno value of an error; sets `done` after
/// the last message of the answer.
int take_messages(std::span<const std::byte> bytes, std::uint32_t sequence, const Netlink::Take& take,
                  bool& done) {
    while (bytes.size() >= sizeof(nlmsghdr)) {
        const auto& message = *reinterpret_cast<const nlmsghdr*>(bytes.data());
        if (message.nlmsg_len < sizeof message || message.nlmsg_len > bytes.size())
            return EBADMSG;
        if (message.nlmsg_seq == sequence) {
            done = message.nlmsg_type == NLMSG_DONE || (message.nlmsg_flags & NLM_F_MULTI) == 0;
            if (message.nlmsg_type == NLMSG_ERROR)
                return -body_of<nlmsgerr>(message).error;
            if (message.nlmsg_type != NLMSG_DONE)
                take(message);
        }
        bytes = bytes.subspan(std::min(aligned(message.nlmsg_len), bytes.size()));
    }
    return 0;
}

}  // namespace

std::uint32_t Attribute::number() const noexcept {
    std::uint32_t number = 0;
    if (value.size() == sizeof number)
        std::memcpy(&number, value.data(), sizeof number);
    return number;
}

std::string Attribute::text() const {
    const auto* first = reinterpret_cast<const char*>(value.data());
    return {first, strnlen(first, value.size())};
}

Netlink::Netlink(unsigned groups)
    : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)), buffer_(kBufferSize) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (!socket_.valid() ||
        bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw process::StartupError(
            fmt::format("netlink: {}: cannot find out which interfaces the kernel needs; allow AF_NETLINK",
                        std::strerror(errno)));
}

int Netlink::exchange(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> body,
                      const std::vector<Attribute>& attributes, const Take& take) {
    std::vector<std::byte> request(NLMSG_HDRLEN);
    append(request, body);
    for (const Attribute& attribute : attributes) {
        const nlattr header{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + attribute.value.size()),
                            .nla_type = static_cast<std::uint16_t>(attribute.type)};
        append(request, std::as_bytes(std::span(&header, 1)));
        append(request, attribute.value);
    }
    const nlmsghdr header{.nlmsg_len = static_cast<std::uint32_t>(request.size()),
                          .nlmsg_type = type,
                          .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags),
                          .nlmsg_seq = ++sequence_,
                          .nlmsg_pid = 0};
    std::memcpy(request.data(), &header, sizeof header);
    if (send(socket_.get(), request.data(), request.size(), 0) < 0)
        return errno;
    int error = 0;
    for (bool done = false; !done && error == 0;) {
        const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return errno;
        error =
            take_messages(std::span(buffer_).first(static_cast<std::size_t>(size)), sequence_, take, done);
    }
    return error;
}

void Netlink::drain() noexcept {
    while (recv(descriptor(), buffer_.data(), buffer_.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {
    }
}

void for_each_attribute(const nlmsghdr& message, std::size_t body_size,
                        const std::function<void(const Attribute&)>& take) {
    const std::span all(reinterpret_cast<const std::byte*>(&message), message.nlmsg_len);
    for_each_in(all.subspan(std::min(NLMSG_HDRLEN + aligned(body_size), all.size())), take);
}

void for_each_attribute(const Attribute& outer, const std::function<void(const Attribute&)>& take) {
    for_each_in(outer.value, take);
}

}  // namespace l2echo::machine
