#include "l2echo/operations/stats_reporter.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
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

/// The reports of a reporter with this interval and duration. With `asked`, SIGUSR1 arrives before the first.
std::vector<nlohmann::json> reports_of(std::chrono::milliseconds interval, std::chrono::milliseconds duration,
                                       bool asked, const std::function<void()>& every_second) {
    process::StopSignal stop;
    process::ReportSignal report_signal;
    const dpdk::Ports ports;
    const engine::Workers workers;
    operations::SnapshotSource snapshots(ports, workers, {});
    operations::StatsReporter reporter(snapshots, ports, {}, {operations::ReportFormat::Json, interval});
    testing::internal::CaptureStdout();
    if (asked)
        std::raise(SIGUSR1);
    reporter.run(stop, report_signal, duration, every_second);
    std::istringstream lines(testing::internal::GetCapturedStdout());
    std::vector<nlohmann::json> reports;
    for (std::string line; std::getline(lines, line);)
        reports.push_back(nlohmann::json::parse(line));
    return reports;
}

TEST(StatsReporter, NoReportCoversATinyInterval) {
    bool stalled = false;
    const auto reports = reports_of(40ms, 400ms, false, [&] {
        if (!std::exchange(stalled, true))
            std::this_thread::sleep_for(230ms);
    });
    ASSERT_GE(reports.size(), 2u);
    EXPECT_GT(reports.front().at("interval_seconds"), 0.23) << "the stall is part of the first one";
    for (std::size_t i = 0; i + 1 < reports.size(); ++i)  // the last report ends with the run
        EXPECT_GT(reports[i].at("interval_seconds"), 0.019);
}

TEST(StatsReporter, RequestedReportDoesNotWaitForTheInterval) {
    const auto reports = reports_of(1h, 100ms, true, [] {});
    ASSERT_EQ(reports.size(), 2u) << "the requested one and the final one";
    EXPECT_EQ(reports[0].at("type"), "interval");
    const double elapsed = reports[1].at("elapsed_seconds");
    EXPECT_NEAR(reports[1].at("interval_seconds"), elapsed - reports[0].at("elapsed_seconds").get<double>(),
                1e-6)
        << "covers the time since the previous report";
}

TEST(StatsReporter, WithoutAnIntervalItReportsOnlyOnRequest) {
    EXPECT_EQ(reports_of(0ms, 50ms, true, [] {}).size(), 1u);
    EXPECT_EQ(reports_of(0ms, 50ms, false, [] {}).size(), 0u);
}

TEST(StatsReporter, ReportAfterARequestedOneCoversAtLeastHalfAnInterval) {
    int calls = 0;
    const auto ask_late = [&] {
        if (++calls == 1)  // just after the first interval, so that the next wake-up serves this request
            std::raise(SIGUSR1);
    };
    const auto reports = reports_of(100ms, 350ms, false, ask_late);
    ASSERT_GE(reports.size(), 2u);
    for (std::size_t i = 0; i + 1 < reports.size(); ++i)
        EXPECT_GT(reports[i].at("interval_seconds"), 0.049);
}

}  // namespace
}  // namespace l2echo
