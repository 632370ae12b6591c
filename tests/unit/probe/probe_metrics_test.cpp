#include "probe/result/probe_metrics.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "l2echo/metrics/exposition.hpp"

namespace l2echo::probe {
namespace {

/// 1000 frames, of which 10 are lost; round trips of 0.5 to 99.5 us.
std::unique_ptr<ProbeResult> two_streams() {
    auto result = std::make_unique<ProbeResult>();
    result->sent = 1000;
    result->sent_bytes = 60'000;
    result->corrupted = 5;
    result->damaged = 2;
    result->streams = {{500, {492, 1, 4, 9, 0}}, {500, {496, 0, 0, 0, 0}}};
    result->tsc_hz = 1e9;
    for (std::uint64_t i = 1; i <= 100; ++i)
        result->round_trip.add(i * 1000 - 500);
    return result;
}

std::string text_of(const ProbeTotals& totals) {
    return "\n" + metrics::render(totals.families(), metrics::Exposition::PrometheusText);
}

testing::AssertionResult line_is_in(const std::string& text, const std::string& line) {
    if (text.find("\n" + line + "\n") != std::string::npos)
        return testing::AssertionSuccess();
    return testing::AssertionFailure() << "no line " << line << " in" << text;
}

TEST(ProbeTotals, AddUpOverRuns) {
    ProbeTotals totals;
    totals.add(*two_streams(), false);
    totals.add(*two_streams(), true);
    totals.add_failed_run();
    const std::string text = text_of(totals);
    EXPECT_TRUE(line_is_in(text, "l2probe_runs_total 3"));
    EXPECT_TRUE(line_is_in(text, "l2probe_failed_runs_total 2"));
    EXPECT_TRUE(line_is_in(text, "l2probe_sent_frames_total 2000"));
    EXPECT_TRUE(line_is_in(text, "l2probe_sent_bytes_total 120000"));
    EXPECT_TRUE(line_is_in(text, "l2probe_returned_frames_total 1976"));
    EXPECT_TRUE(line_is_in(text, "l2probe_lost_frames_total 20"));
    EXPECT_TRUE(line_is_in(text, "l2probe_duplicated_frames_total 2"));
    EXPECT_TRUE(line_is_in(text, "l2probe_reordered_frames_total 8"));
    EXPECT_TRUE(line_is_in(text, "l2probe_corrupted_frames_total 10"));
}

TEST(ProbeTotals, RoundTripsAreAHistogramInSeconds) {
    ProbeTotals totals;
    totals.add(*two_streams(), false);
    const std::string text = text_of(totals);
    EXPECT_TRUE(line_is_in(text, R"(l2probe_round_trip_seconds_bucket{le="1e-06"} 1)"));
    EXPECT_TRUE(line_is_in(text, R"(l2probe_round_trip_seconds_bucket{le="0.0001"} 100)"));
    EXPECT_TRUE(line_is_in(text, R"(l2probe_round_trip_seconds_bucket{le="1.0"} 100)"));
    EXPECT_TRUE(line_is_in(text, R"(l2probe_round_trip_seconds_bucket{le="+Inf"} 100)"));
    EXPECT_TRUE(line_is_in(text, "l2probe_round_trip_seconds_count 100"));
    EXPECT_NE(text.find("l2probe_round_trip_seconds_sum 0.005"), std::string::npos);
}

TEST(ProbeTotals, EverythingIsThereBeforeTheFirstRun) {
    const std::string text = text_of(ProbeTotals());
    EXPECT_TRUE(line_is_in(text, "l2probe_runs_total 0"));
    EXPECT_TRUE(line_is_in(text, R"(l2probe_round_trip_seconds_bucket{le="+Inf"} 0)"));
}

}  // namespace
}  // namespace l2echo::probe
