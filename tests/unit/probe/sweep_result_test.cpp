#include "probe/search/sweep_result.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sample_sweep.hpp"

namespace l2echo::probe {
namespace {

using Json = nlohmann::json;

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(SweepJson, RecordsItsOrigin) {
    const Json json = Json::parse(render_json(sample_sweep()));
    EXPECT_EQ(json["schema"], "l2echo.sweep/1");
    EXPECT_EQ(json["complete"], false);
    EXPECT_EQ(json["command"], "l2_probe -- --sweep results");
    EXPECT_EQ(json["link_mbps"], 1000);
    EXPECT_EQ(json["asked"], (std::vector<std::string>{"64", "imix", "1518"}));
    EXPECT_EQ(json["environment"]["port"], "net_pipe|0");
}

TEST(SweepJson, UnknownLinkIsNull) {
    SweepResult result = sample_sweep();
    result.link_mbps = 0;
    const Json json = Json::parse(render_json(result));
    EXPECT_TRUE(json["link_mbps"].is_null());
    EXPECT_TRUE(json["sizes"][0]["link_frames_per_second"].is_null());
}

TEST(SweepJson, EverySizeHasTheRateOfTheLink) {
    const Json json = Json::parse(render_json(sample_sweep()));
    EXPECT_NEAR(json["sizes"][0]["link_frames_per_second"].get<double>(), 1'488'095, 1);
}

TEST(SweepJson, LoadNamesItsHistogramIfFramesReturned) {
    SweepResult result = sample_sweep();
    result.sizes[0].round_trips[0].round_trip = {};
    const Json loads = Json::parse(render_json(result))["sizes"][0]["round_trips"];
    EXPECT_TRUE(loads[0]["histogram"].is_null());
    EXPECT_EQ(loads[1]["histogram"], "round_trip_64_load_50.hgrm");
}

TEST(SweepJson, EverySizeHasBothGoalsBothBoundsAndEachTrialOnce) {
    const Json json = Json::parse(render_json(sample_sweep()));
    ASSERT_EQ(json["sizes"].size(), 2u);
    const Json& size = json["sizes"][0];
    EXPECT_EQ(size["size"], "64");
    EXPECT_EQ(size["smallest_size"], 64);
    EXPECT_EQ(size["largest_size"], 64);
    EXPECT_DOUBLE_EQ(size["pdr"]["lower"]["frames_per_second"].get<double>(), 1e6);
    EXPECT_DOUBLE_EQ(size["pdr"]["lower"]["bits_per_second_l1"].get<double>(), 84 * 8 * 1e6);
    EXPECT_DOUBLE_EQ(size["pdr"]["lower"]["bits_per_second_l2"].get<double>(), 64 * 8 * 1e6);
    EXPECT_DOUBLE_EQ(size["pdr"]["upper"]["frames_per_second"].get<double>(), 1.004e6);
    EXPECT_DOUBLE_EQ(size["ndr"]["lower"]["frames_per_second"].get<double>(), 0.8e6);
    EXPECT_DOUBLE_EQ(size["ndr"]["upper"]["frames_per_second"].get<double>(), 1e6);
    ASSERT_EQ(size["trials"].size(), 4u);
    EXPECT_EQ(size["trials"][0]["sender_limited"], true);
    EXPECT_EQ(size["sender_limited_trials"], 1);
    EXPECT_EQ(json["sizes"][1]["sender_limited_trials"], 0);
    EXPECT_EQ(size["trials"][1]["lost"], 1000);
    EXPECT_TRUE(json["sizes"][1]["ndr"]["lower"].is_null());
}

TEST(SweepJson, PercentileOfTooFewFramesIsNull) {
    const Json loads = Json::parse(render_json(sample_sweep()))["sizes"][0]["round_trips"];
    ASSERT_EQ(loads.size(), 2u);
    EXPECT_EQ(loads[0]["load"], "no load");
    EXPECT_EQ(loads[0]["count"], 10);
    EXPECT_DOUBLE_EQ(loads[0]["p90_ns"].get<double>(), 2007);
    EXPECT_TRUE(loads[0]["p99_ns"].is_null());
    EXPECT_DOUBLE_EQ(loads[0]["max_ns"].get<double>(), 90'000);
    EXPECT_EQ(loads[1]["load"], "50 % of PDR");
    EXPECT_DOUBLE_EQ(loads[1]["p99_99_ns"].get<double>(), 2007);
    EXPECT_TRUE(loads[1]["p99_999_ns"].is_null());
}

TEST(SweepMarkdown, HasARowForEachRateWithBothBoundsAndTheLimit) {
    const std::string text = render_markdown(sample_sweep());
    EXPECT_TRUE(has_line(text, "| 64 | PDR | 1000000 | 672.0 | 512.0 | 1004000 | loss |")) << text;
    EXPECT_TRUE(has_line(text, "| 64 | NDR | 800000 | 537.6 | 409.6 | 1000000 | loss |")) << text;
    EXPECT_TRUE(has_line(text, "| imix | NDR | 0 | 0.0 | 0.0 | 100 | loss |")) << text;
}

TEST(SweepMarkdown, SaysIfTheProbeOrNothingWasTheLimit) {
    SweepResult result = sample_sweep();
    result.sizes.resize(1);
    auto& searches = result.sizes[0].searches;
    searches = {{kPdr, RateSearch(2e6, 0.005)}, {kNdr, RateSearch(2e6, 0)}};
    searches[0].search.record({2e6, 1, 2'000'000, 0, false});
    searches[1].search.record({2e6, 1, 2'000'000, 9, true});
    const std::string text = render_markdown(result);
    EXPECT_NE(text.find("| - | none found: the highest rate tried passed |"), std::string::npos) << text;
    EXPECT_NE(text.find("| 2000000 | the probe |"), std::string::npos) << text;
}

TEST(SweepMarkdown, CountsTheTrialsThatTheProbeLimited) {
    const std::string text = render_markdown(sample_sweep());
    EXPECT_TRUE(has_line(text, "Size 64: The probe was the limit in 1 of 4 trials.")) << text;
    EXPECT_EQ(text.find("Size imix"), std::string::npos) << text;
}

TEST(SweepMarkdown, HasARowForEachLoadInMicroseconds) {
    const std::string text = render_markdown(sample_sweep());
    EXPECT_TRUE(has_line(text, "| 64 | no load | 0 | 10 | 0 | 2.0 | 2.0 | - | - | - | - | 90.0 |")) << text;
    EXPECT_TRUE(
        has_line(text, "| 64 | 50 % of PDR | 500000 | 10000 | 0 | 2.0 | 2.0 | 2.0 | 2.0 | 2.0 | - | 90.0 |"))
        << text;
}

TEST(SweepMarkdown, SaysIfItIsIncompleteAndEscapesCells) {
    const std::string text = render_markdown(sample_sweep());
    EXPECT_TRUE(has_line(text, "**Not complete**: 2 of 3 sizes were measured.")) << text;
    EXPECT_TRUE(has_line(text, "| port | net_pipe\\|0 |")) << text;
    SweepResult complete = sample_sweep();
    complete.asked.resize(complete.sizes.size());
    EXPECT_EQ(render_markdown(complete).find("Not complete"), std::string::npos);
}

}  // namespace
}  // namespace l2echo::probe
