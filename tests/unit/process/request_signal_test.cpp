#include "l2echo/process/request_signal.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "l2echo/process/stop_signal.hpp"

namespace l2echo::process {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(ReportSignal, IsConsumedOnceHoweverOftenItArrived) {
    ReportSignal report;
    EXPECT_FALSE(report.take());
    std::raise(SIGUSR1);
    std::raise(SIGUSR1);
    EXPECT_TRUE(report.take());
    EXPECT_FALSE(report.take());
}

TEST(ReportSignal, WakesAWaiterAndDoesNotStop) {
    const StopSignal stop;
    ReportSignal report;
    std::jthread other([] {
        std::this_thread::sleep_for(20ms);
        kill(getpid(), SIGUSR1);
    });
    EXPECT_FALSE(stop.wait_until(Clock::now() + 60s, &report));
    EXPECT_TRUE(report.take());
}

TEST(ReportSignal, CanBeWaitedForAgain) {
    const StopSignal stop;
    ReportSignal report;
    std::raise(SIGUSR1);
    stop.wait_until(Clock::now() + 60s, &report);
    const auto deadline = Clock::now() + 30ms;
    stop.wait_until(deadline, &report);
    EXPECT_GE(Clock::now(), deadline);
}

TEST(ReportSignalDeathTest, IsIgnoredDuringShutdown) {
    EXPECT_EXIT(
        {
            { const ReportSignal report; }
            std::raise(SIGUSR1);
            std::exit(0);
        },
        testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace l2echo::process
