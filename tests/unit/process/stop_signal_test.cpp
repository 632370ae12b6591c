#include "l2echo/process/stop_signal.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace l2echo::process {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

TEST(StopSignal, WaitsUntilTheDeadlineWhenNobodyStops) {
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

TEST(StopSignal, WakesWhoWaits) {
    StopSignal stop;
    std::thread other([&] {
        std::this_thread::sleep_for(20ms);
        stop.request();
    });
    EXPECT_TRUE(stop.wait_until(Clock::now() + 60s));
    other.join();
}

TEST(StopSignalDeathTest, ASecondSignalEndsTheProcessAtOnce) {
    EXPECT_EXIT(
        {
            const StopSignal stop;
            std::raise(SIGINT);
            std::raise(SIGTERM);
            std::exit(0);
        },
        testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace l2echo::process
