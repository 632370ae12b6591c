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

/// A signal handler has no argument of ours: this is how it finds the one ReportSignal.
std::atomic<ReportSignal*> g_report_signal{nullptr};

void set_action(void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;  // unlike a stop, it is no reason to cut a write short
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

/// Its default would kill a program that is about to end cleanly.
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
        write(self->event_.get(), &one, sizeof one);  // fails only when it is readable already
    errno = saved;
}

void ReportSignal::acknowledge() noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto bytes =
        read(event_.get(), &count, sizeof count);  // fails when there was none
}

}  // namespace l2echo::process
