#include "l2echo/operations/service_manager.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "l2echo/dpdk/log.hpp"

namespace l2echo::operations {
namespace {

using std::chrono::microseconds;

/// Returns a socket that is connected to the path, or to the abstract name after "@"; invalid with errno set
/// on failure.
process::FileDescriptor connect_to(std::string_view path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if ((path[0] != '/' && path[0] != '@') || path.size() >= sizeof address.sun_path) {
        errno = EINVAL;
        return {};
    }
    std::ranges::copy(path, address.sun_path);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    process::FileDescriptor descriptor(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (descriptor.valid() &&
        connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        return {};
    return descriptor;
}

std::optional<std::int64_t> number_in(const char* name) {
    const char* const text = std::getenv(name);
    if (text == nullptr)
        return std::nullopt;
    std::int64_t number = 0;
    const char* const end = text + std::strlen(text);
    const auto [last, error] = std::from_chars(text, end, number);
    return error == std::errc() && last == end ? std::optional(number) : std::nullopt;
}

/// The variables are for one process; a child of it inherits them but must not act on them.
std::optional<microseconds> read_watchdog_timeout() {
    const auto timeout = number_in("WATCHDOG_USEC");
    const auto process = number_in("WATCHDOG_PID");
    if (!timeout || *timeout <= 0 || (process && *process != getpid()))
        return std::nullopt;
    return microseconds(*timeout);
}

/// CLOCK_MONOTONIC, by which the manager recognises the reload that a message belongs to.
std::int64_t monotonic_microseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

ServiceManager::ServiceManager() {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || *path == '\0')
        return;
    socket_ = connect_to(path);
    if (!socket_.valid())
        dpdk::log_warning(
            fmt::format("NOTIFY_SOCKET={}: the service manager will not hear that the program is ready: {}",
                        path, std::strerror(errno)));
    else
        watchdog_timeout_ = read_watchdog_timeout();
}

void ServiceManager::starting(std::string_view status, std::chrono::milliseconds limit) {
    send(fmt::format("STATUS={}\nEXTEND_TIMEOUT_USEC={}", status, microseconds(limit).count()),
         Kind::Passing);
}

void ServiceManager::ready(std::string_view status) {
    send(fmt::format("READY=1\nSTATUS={}", status), Kind::State);
}

void ServiceManager::status(std::string_view status) {
    send(fmt::format("STATUS={}", status), Kind::Passing);
}

void ServiceManager::reloading() {
    send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds()), Kind::State);
}

void ServiceManager::stopping() {
    send("STOPPING=1\nSTATUS=stopping", Kind::State);
}

void ServiceManager::alive() {
    send("WATCHDOG=1", Kind::Passing);
}

void ServiceManager::send_pending() {
    const std::lock_guard guard(lock_);
    if (!pending_.empty() && try_to_send(pending_))
        pending_.clear();
}

/// A later state replaces an earlier one that the manager did not accept.
void ServiceManager::send(const std::string& message, Kind kind) {
    if (!socket_.valid())
        return;
    const std::lock_guard guard(lock_);
    const bool sent = try_to_send(message);
    if (kind == Kind::State)
        pending_ = sent ? "" : message;
}

bool ServiceManager::try_to_send(const std::string& message) {
    if (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) >= 0)
        return true;
    if (!warned_)
        dpdk::log_warning(
            fmt::format("the service manager does not read its notify socket: {}", std::strerror(errno)));
    warned_ = true;
    return false;
}

}  // namespace l2echo::operations
