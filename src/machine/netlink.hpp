// What the kernel tells over netlink.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace l2echo::machine {

/// One socket; one thread at a time.
class Netlink {
  public:
    using Take = std::function<void(const nlmsghdr& message)>;

    /// `bus`: NETLINK_ROUTE or another; `groups`: what to be told unasked, such as RTMGRP_LINK. Throws
    /// StartupError.
    explicit Netlink(int bus, unsigned groups = 0);

    /// Sends a request with this body (ifinfomsg, rtmsg ...) and hands over every message of the answer.
    /// `attributes` may add to the request. Returns 0, or the errno value that the kernel answers with.
    template <typename Body>
    int ask(std::uint16_t type, std::uint16_t flags, const Body& body, const Take& take,
            const std::function<void(nlmsghdr& request)>& attributes = {}) {
        nlmsghdr& request = begin(type, flags);
        *static_cast<Body*>(mnl_nlmsg_put_extra_header(&request, sizeof body)) = body;
        if (attributes)
            attributes(request);
        return exchange(request, take);
    }

    int descriptor() const noexcept { return mnl_socket_get_fd(socket_.get()); }

    /// Throws away what the kernel told unasked.
    void drain() noexcept;

  private:
    nlmsghdr& begin(std::uint16_t type, std::uint16_t flags);
    int exchange(nlmsghdr& request, const Take& take);

    std::unique_ptr<mnl_socket, decltype(&mnl_socket_close)> socket_;
    std::vector<char> buffer_;
    std::uint32_t sequence_ = 0;
};

/// Calls `take` for each attribute behind the body of a message, or inside of an attribute.
void for_each_attribute(const nlmsghdr& message, std::size_t body_size,
                        const std::function<void(const nlattr&)>& take);
void for_each_attribute(const nlattr& outer, const std::function<void(const nlattr&)>& take);

}  // namespace l2echo::machine
