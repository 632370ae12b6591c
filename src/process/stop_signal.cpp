#include "l2echo/process/stop_signal.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// A signal handler has no argument of ours: this is how it finds the one StopSignal.
std::atomic<StopSignal*> g_stop_signal{nullptr};

void set_action(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

void on_signal(int) {
    set_action(SIG_DFL);
    if (StopSignal* stop = g_stop_signal.load(); stop != nullptr)
        stop->request();
}

}  // namespace

StopSignal::StopSignal() : event_(eventfd(0, EFD_CLOEXEC)) {
    if (!event_.valid())
        throw StartupError(fmt::format("eventfd: {}", std::strerror(errno)));
    g_stop_signal = this;
    set_action(on_signal);
}

StopSignal::~StopSignal() {
    set_action(SIG_DFL);
    g_stop_signal = nullptr;
}

void StopSignal::request() noexcept {
    requested_.store(true, std::memory_order_relaxed);
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        write(event_.get(), &one, sizeof one);  // fails only when it is readable already
    errno = saved;
}

bool StopSignal::wait_until(std::chrono::steady_clock::time_point deadline) const {
    pollfd event{event_.get(), POLLIN, 0};
    while (!requested()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            break;
        constexpr std::int64_t kMaxWait = 1'000'000;  // poll() takes an int
        poll(&event, 1, static_cast<int>(std::min<std::int64_t>(left.count(), kMaxWait)));
    }
    return requested();
}

}  // namespace l2echo::process
