#include "l2echo/process/request_signal.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// The signal handler finds its RequestSignal here, because it takes no argument of ours.
std::array<std::atomic<RequestSignal*>, NSIG> g_request_signals{};

std::atomic<RequestSignal*>& object_of(int signal) noexcept {
    return g_request_signals.at(static_cast<std::size_t>(signal));
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // unlike a stop, it must not interrupt a write
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

}  // namespace

RequestSignal::RequestSignal(int signal) : signal_(signal), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_.valid())
        throw StartupError(fmt::format("eventfd: {}", std::strerror(errno)));
    object_of(signal_) = this;
    handle(signal_, on_signal);
}

/// Ignores the signal: the default action would kill a program that is about to end cleanly.
RequestSignal::~RequestSignal() {
    handle(signal_, SIG_IGN);
    object_of(signal_) = nullptr;
}

void RequestSignal::on_signal(int signal) {
    RequestSignal* const self = object_of(signal).load();
    if (self == nullptr)
        return;
    const int saved = errno;
    self->wanted_.store(true, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        write(self->event_.get(), &one, sizeof one);  // fails only if it is already readable
    errno = saved;
}

void RequestSignal::acknowledge() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto bytes =
        read(event_.get(), &count, sizeof count);  // fails if it was not readable
}

}  // namespace l2echo::process
