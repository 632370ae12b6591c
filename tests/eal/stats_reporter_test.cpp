#include "l2echo/operations/stats_reporter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace l2echo {
namespace {

using namespace std::chrono_literals;

/// Seconds that each report is about, of a reporter with this interval that stands still for `stall` before
/// its first report.
std::vector<double> intervals_with_a_stall(std::chrono::milliseconds interval,
                                           std::chrono::milliseconds stall,
                                           std::chrono::milliseconds duration) {
    process::StopSignal stop;
    const dpdk::Ports ports;
    const engine::Workers workers;
    operations::StatsReporter reporter(ports, workers, {}, {operations::ReportFormat::Json, interval});
    testing::internal::CaptureStdout();
    bool stalled = false;
    reporter.run(stop, duration, [&] {
        if (!std::exchange(stalled, true))
            std::this_thread::sleep_for(stall);
    });
    std::istringstream lines(testing::internal::GetCapturedStdout());
    std::vector<double> seconds;
    for (std::string line; std::getline(lines, line);)
        seconds.push_back(nlohmann::json::parse(line).at("interval_seconds"));
    return seconds;
}

TEST(StatsReporter, NoReportIsAboutHardlyAnyTime) {
    std::vector<double> seconds = intervals_with_a_stall(40ms, 230ms, 400ms);
    ASSERT_GE(seconds.size(), 2u);
    EXPECT_GT(seconds.front(), 0.23) << "the stall is a part of the first one";
    seconds.pop_back();  // ends when the run does
    for (const double interval : seconds)
        EXPECT_GT(interval, 0.019);
}

}  // namespace
}  // namespace l2echo
