// Netlink queries. Does not use libmnl, because Debian ships no static archive of it for the static build.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "l2echo/process/file_descriptor.hpp"

namespace l2echo::machine {

/// A netlink attribute; valid as long as its message.
struct Attribute {
    int type = 0;
    std::span<const std::byte> value;

    std::uint32_t number() const noexcept;  ///< 0 if it is not a four-byte number
    std::string text() const;
};

/// A netlink socket; used by one thread at a time.
class Netlink {
  public:
    using Take = std::function<void(const nlmsghdr& message)>;

    /// Opens a socket for queries about interfaces, addresses and routes. `groups` are the multicast groups
    /// to subscribe to, such as RTMGRP_LINK. Throws StartupError.
    explicit Netlink(unsigned groups = 0);

    /// Sends a request with this body (ifinfomsg, rtmsg ...) and attributes, and passes every message of the
    /// answer to `take`. Returns 0 or the errno value in the kernel's answer.
    template <typename Body>
    int ask(std::uint16_t type, std::uint16_t flags, const Body& body, const Take& take,
            const std::vector<Attribute>& attributes = {}) {
        return exchange(type, flags, std::as_bytes(std::span(&body, 1)), attributes, take);
    }

    int descriptor() const noexcept { return socket_.get(); }

    /// Discards pending notifications.
    void drain() noexcept;

  private:
    int exchange(std::uint16_t type, std::uint16_t flags, std::span<const std::byte> body,
                 const std::vector<Attribute>& attributes, const Take& take);

    process::FileDescriptor socket_;
    std::vector<std::byte> buffer_;
    std::uint32_t sequence_ = 0;
};

template <typename Body>
Body body_of(const nlmsghdr& message) {
    Body body{};
    if (message.nlmsg_len >= NLMSG_LENGTH(sizeof body))
        std::memcpy(&body, reinterpret_cast<const std::byte*>(&message) + NLMSG_HDRLEN, sizeof body);
    return body;
}

/// Calls `take` for each attribute after the body of a message, or nested in an attribute.
void for_each_attribute(const nlmsghdr& message, std::size_t body_size,
                        const std::function<void(const Attribute&)>& take);
void for_each_attribute(const Attribute& outer, const std::function<void(const Attribute&)>& take);

}  // namespace l2echo::machine
