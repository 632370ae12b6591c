#include "l2echo/process/report_signal.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>

#include "l2echo/process/error.hpp"

namespace l2echo::process {
namespace {

/// The signal handler finds the one ReportSignal here, because it takes no argument of ours.
std::atomic<ReportSignal*> g_report_signal{nullptr};

void set_action(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // unlike a stop, it must not interrupt a write
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, nullptr);
}

}  // namespace

ReportSignal::ReportSignal() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_.valid())
        throw StartupError(fmt::format("eventfd: {}", std::strerror(errno)));
    g_report_signal = this;
    set_action(on_signal);
}

/// Ignores the signal: the default action would kill a program that is about to end cleanly.
ReportSignal::~ReportSignal() {
    set_action(SIG_IGN);
    g_report_signal = nullptr;
}

void ReportSignal::on_signal(int) {
    ReportSignal* const self = g_report_signal.load();
    if (self == nullptr)
        return;
    const int saved = errno;
    self->wanted_.store(true, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        write(self->event_.get(), &one, sizeof one);  // fails only if it is already readable
    errno = saved;
}

void ReportSignal::acknowledge() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto bytes =
        read(event_.get(), &count, sizeof count);  // fails if it was not readable
}

}  // namespace l2echo::process
