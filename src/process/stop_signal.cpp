#include "l2echo/process/stop_signal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// The signal handler finds the one StopSignal here, because it takes no argument of ours.
std::atomic<StopSignal*> g_stop_signal{nullptr};

void set_action(int signal, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

/// A terminal hang-up causes more than one SIGHUP (from the kernel, then from the shell). So unlike a second
/// SIGINT or SIGTERM, a second SIGHUP must not end the process before its report.
void on_signal(int) {
    set_action(SIGINT, SIG_DFL);
    set_action(SIGTERM, SIG_DFL);
    set_action(SIGHUP, SIG_IGN);
    if (StopSignal* stop = g_stop_signal.load(); stop != nullptr)
        stop->request();
}

/// Must be called at start-up: after a hang-up, the process has no controlling terminal any more.
bool can_open_terminal() {
    return FileDescriptor(open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)).valid();
}

/// nohup and similar tools start a program with SIGHUP ignored.
bool is_ignored(int signal) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    return action.sa_handler == SIG_IGN;
}

}  // namespace

StopSignal::StopSignal() : has_terminal_(can_open_terminal()), event_(eventfd(0, EFD_CLOEXEC)) {
    if (!event_.valid())
        throw StartupError(fmt::format("eventfd: {}", std::strerror(errno)));
    g_stop_signal = this;
    set_action(SIGINT, on_signal);
    set_action(SIGTERM, on_signal);
    set_action(SIGHUP, has_terminal_ && !is_ignored(SIGHUP) ? on_signal : SIG_IGN);
}

StopSignal::~StopSignal() {
    set_action(SIGINT, SIG_DFL);
    set_action(SIGTERM, SIG_DFL);
    set_action(SIGHUP, SIG_IGN);
    g_stop_signal = nullptr;
}

void StopSignal::request() noexcept {
    requested_.store(true, std::memory_order_relaxed);
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        write(event_.get(), &one, sizeof one);  // fails only if it is already readable
    errno = saved;
}

bool StopSignal::wait_until(std::chrono::steady_clock::time_point deadline, RequestSignal* request) const {
    std::array<pollfd, 2> events{
        {{event_.get(), POLLIN, 0}, {request == nullptr ? -1 : request->descriptor(), POLLIN, 0}}};
    while (!requested()) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            break;
        constexpr std::int64_t kMaxWait = 1'000'000;  // poll() takes an int
        poll(events.data(), events.size(), static_cast<int>(std::min<std::int64_t>(left.count(), kMaxWait)));
        if (events[1].revents != 0) {
            request->acknowledge();
            break;
        }
    }
    return requested();
}

}  // namespace l2echo::process
