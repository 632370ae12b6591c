#include "l2echo/process/stop_signal.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace l2echo::process {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(StopSignal, WaitsUntilTheDeadlineWithoutAStop) {
    const StopSignal stop;
    const auto deadline = Clock::now() + 30ms;
    EXPECT_FALSE(stop.wait_until(deadline));
    EXPECT_GE(Clock::now(), deadline);
}

TEST(StopSignal, IsSetByEachSignal) {
    for (const int signal : {SIGINT, SIGTERM}) {
        const StopSignal stop;
        EXPECT_FALSE(stop.requested());
        std::raise(signal);
        EXPECT_TRUE(stop.requested());
        EXPECT_TRUE(stop.flag().load());
    }
}

TEST(StopSignal, WakesAWaiter) {
    StopSignal stop;
    std::thread other([&] {
        std::this_thread::sleep_for(20ms);
        stop.request();
    });
    EXPECT_TRUE(stop.wait_until(Clock::now() + 60s));
    other.join();
}

TEST(StopSignalDeathTest, SecondSignalEndsTheProcessAtOnce) {
    EXPECT_EXIT(
        {
            const StopSignal stop;
            std::raise(SIGINT);
            std::raise(SIGTERM);
            std::exit(0);
        },
        testing::KilledBySignal(SIGTERM), "");
}

/// Starts a session without a controlling terminal (until open_terminal() is called) and undoes any nohup
/// that the tests were started with.
void leave_session() {
    setsid();
    std::signal(SIGHUP, SIG_DFL);
}

/// Gives the session a terminal. Closing the returned end hangs it up.
int open_terminal() {
    const int ours = posix_openpt(O_RDWR | O_NOCTTY);
    grantpt(ours);
    unlockpt(ours);
    if (open(ptsname(ours), O_RDWR) < 0)
        std::abort();
    return ours;
}

/// A minimal system in a chroot may have no pseudo-terminals.
bool has_terminals() {
    return access("/dev/ptmx", R_OK | W_OK) == 0 && access("/dev/pts/ptmx", F_OK) == 0;
}

/// Exit status 1: a stop was requested.
[[noreturn]] void exit_with(const StopSignal& stop) {
    std::exit(stop.requested() ? 1 : 0);
}

TEST(StopSignalDeathTest, TerminalHangUpStops) {
    if (!has_terminals())
        GTEST_SKIP() << "this system has no pseudo-terminals";
    EXPECT_EXIT(
        {
            leave_session();
            const int terminal = open_terminal();
            const StopSignal stop;
            close(terminal);
            std::raise(SIGHUP);  // the shell sends another one after the kernel's
            exit_with(stop);
        },
        testing::ExitedWithCode(1), "");
}

TEST(StopSignalDeathTest, HangUpWithoutATerminalIsIgnored) {
    EXPECT_EXIT(
        {
            leave_session();
            const StopSignal stop;
            std::raise(SIGHUP);
            exit_with(stop);
        },
        testing::ExitedWithCode(0), "");
}

TEST(StopSignalDeathTest, HangUpUnderNohupStaysIgnored) {
    if (!has_terminals())
        GTEST_SKIP() << "this system has no pseudo-terminals";
    EXPECT_EXIT(
        {
            leave_session();
            open_terminal();
            std::signal(SIGHUP, SIG_IGN);
            const StopSignal stop;
            std::raise(SIGHUP);
            exit_with(stop);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace l2echo::process
