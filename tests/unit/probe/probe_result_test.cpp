#include "l2echo/probe/result/probe_result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace l2echo::probe {
namespace {

/// 1000 frames in 1 s on two streams: 10 are lost, 3 of them on the second stream; 5 are corrupted, 2 of them
/// damaged.
std::unique_ptr<ProbeResult> sample() {
    auto result = std::make_unique<ProbeResult>();
    result->sent = 1000;
    result->sent_bytes = 60'000;
    result->corrupted = 5;
    result->damaged = 2;
    result->warm_up = {100, 2};
    result->streams = {{500, {492, 1, 4, 9, 0}}, {500, {496, 0, 0, 0, 0}}};
    result->seconds = 1;
    result->tsc_hz = 1e9;
    for (std::uint64_t i = 1; i <= 100; ++i)
        result->round_trip.add(i * 1000);
    return result;
}

TEST(ProbeResult, LostIsSentMinusReturnedAndOtherwiseAccountedFor) {
    const auto result = sample();
    EXPECT_EQ(result->totals().unique, 988u);
    EXPECT_EQ(result->lost(), 10u);
    EXPECT_EQ(result->totals().largest_distance, 9u);
}

TEST(ProbeResult, ReturnedFramesHaveTheirOwnRate) {
    const auto result = sample();
    result->returned_bytes = 59'280;  // 988 frames of 60 bytes; each is 84 at layer 1
    result->returned_seconds = 2;
    EXPECT_DOUBLE_EQ(result->returned_per_second(), 494);
    EXPECT_DOUBLE_EQ(result->returned_bits_per_second_l1(), 494 * 84 * 8);
    result->returned_seconds = 0;
    EXPECT_EQ(result->returned_per_second(), 0);
}

TEST(ProbeResult, LossIsNeverNegative) {
    const auto result = sample();
    result->damaged = 5000;
    EXPECT_EQ(result->lost(), 0u);
}

TEST(ProbeResult, IncompleteRunSaysSoAndWhy) {
    const auto result = sample();
    EXPECT_TRUE(result->complete());
    EXPECT_EQ(render_text(*result).find("NOT COMPLETE"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(render_json(*result, {}))["ended"], "complete");
    for (std::size_t end = 1; end < kRunEnds.size(); ++end) {
        result->end = static_cast<RunEnd>(end);
        const auto json = nlohmann::json::parse(render_json(*result, {}));
        EXPECT_EQ(json["complete"], false);
        EXPECT_EQ(json["ended"], kRunEnds[end].name);
        const std::string line = "\nNOT COMPLETE: " + std::string(kRunEnds[end].meaning) + "\n";
        EXPECT_NE(render_text(*result).find(line), std::string::npos) << render_text(*result);
    }
    EXPECT_EQ(kRunEnds[static_cast<std::size_t>(RunEnd::Stalled)].name, "stalled") << "the last entry";
}

TEST(ProbeResult, SlowSenderIsReportedAsTheLimit) {
    const auto result = sample();
    EXPECT_FALSE(result->sender_limited());
    result->requested_per_second = 1000;
    EXPECT_FALSE(result->sender_limited());
    result->requested_per_second = 2000;
    EXPECT_TRUE(result->sender_limited());
}

TEST(ProbeResult, OneSlowSenderOfSeveralIsNamedAsTheLimit) {
    const auto result = sample();
    result->requested_per_second = 1000;
    QueuePairResult pair{{1, 2}, {}, 988, 5, 0};
    pair.sender = {500, 30'000, 500, 0, 1, 0};
    result->queue_pairs = {pair, pair};
    EXPECT_FALSE(result->sender_limited());
    result->queue_pairs[1].lcores = {3, 3};
    result->queue_pairs[1].sender.requested_per_second = 510;
    EXPECT_TRUE(result->sender_limited());

    const auto json = nlohmann::json::parse(render_json(*result, {}));
    ASSERT_EQ(json["queue_pairs"].size(), 2u);
    EXPECT_EQ(json["queue_pairs"][0]["sender_limited"], false);
    EXPECT_EQ(json["queue_pairs"][1]["sender_limited"], true);
    EXPECT_EQ(json["queue_pairs"][0]["sender_lcore"], 1);
    EXPECT_EQ(json["queue_pairs"][0]["checker_lcore"], 2);
    EXPECT_EQ(json["queue_pairs"][0]["returned"], 988);
    const std::string text = render_text(*result);
    EXPECT_NE(text.find("queue pair 0 (lcore 1 sends, lcore 2 checks): sent 500, 500 frames/s; returned"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("queue pair 1 (lcore 3 sends and checks): sent 500, 500 frames/s (the probe was"),
              std::string::npos)
        << text;
}

TEST(ProbeResult, FramesMissedByTheProbeAndLinkChangesAreReported) {
    const auto result = sample();
    EXPECT_EQ(render_text(*result).find("missed"), std::string::npos);
    result->missed = 7;
    result->link_changes = 2;
    const std::string text = render_text(*result);
    EXPECT_NE(text.find("the probe's own port missed 7 frames:"), std::string::npos) << text;
    EXPECT_NE(text.find("the link changed 2 times"), std::string::npos) << text;
    const auto json = nlohmann::json::parse(render_json(*result, {}));
    EXPECT_EQ(json["missed"], 7);
    EXPECT_EQ(json["link_changes"], 2);
}

TEST(Gates, EachIsMetOrNamed) {
    const auto result = sample();
    EXPECT_TRUE(failed_gates(*result, {}).empty());
    EXPECT_TRUE(failed_gates(*result, {900, 100e-6, 1000, 600'000}).empty());
    const auto failed = failed_gates(*result, {9, 90e-6, 1001, 1e9});
    ASSERT_EQ(failed.size(), 4u);
    EXPECT_EQ(
        failed[0],
        "900 of 1000 frames did not come back intact (lost 10, corrupted 5, late 0), --require-loss allows 9");
    EXPECT_NE(failed[1].find("--require-p99 allows 90.0 us"), std::string::npos) << failed[1];
    EXPECT_NE(failed[2].find("--require-rate"), std::string::npos);
}

TEST(Gates, P99FailsWithoutRoundTrips) {
    ProbeResult result;
    EXPECT_EQ(failed_gates(result, {std::nullopt, 1.0, std::nullopt, std::nullopt}).size(), 1u);
}

TEST(ProbeJson, HasSchemaCountsAndPercentiles) {
    const auto result = sample();
    const auto json = nlohmann::json::parse(render_json(*result, {"lost 10"}));
    EXPECT_EQ(json["schema"], "l2echo.probe/1");
    EXPECT_EQ(json["lost"], 10);
    EXPECT_EQ(json["returned"], 988);
    EXPECT_EQ(json["reordered"], 4);
    EXPECT_EQ(json["warm_up"]["lost"], 2);
    EXPECT_EQ(json["open_loop"], false);
    EXPECT_NEAR(json["round_trip_ns"]["p50"].get<double>(), 50'000, 500);
    EXPECT_EQ(json["round_trip_ns"]["count"], 100);
    EXPECT_EQ(json["streams"].size(), 2u);
    EXPECT_EQ(json["streams"][0]["sent"], 500);
    EXPECT_EQ(json["failed_gates"][0], "lost 10");
    EXPECT_DOUBLE_EQ(json["rate"]["sent_bits_per_second_l1"].get<double>(), 8.0 * (60'000 + 24 * 1000));
}

TEST(ProbeText, ShowsCountsAndRoundTrip) {
    const std::string text = render_text(*sample());
    EXPECT_NE(text.find("returned 988, lost 10, duplicated 1, reordered 4 (by 9 at most), corrupted 5"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("p99.9"), std::string::npos);
}

TEST(ProbeText, ShowsLoopChecksIfThereWereAny) {
    const auto result = sample();
    EXPECT_EQ(render_text(*result).find("loop check"), std::string::npos);
    result->loop_checks = 3;
    EXPECT_NE(render_text(*result).find(", loop checks 3;"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(render_json(*result, {}))["loop_checks"], 3);
}

}  // namespace
}  // namespace l2echo::probe
