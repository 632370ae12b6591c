#include "probe/search/search_result.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace l2echo::probe {
namespace {

std::unique_ptr<SearchResult> searched() {
    auto result = std::make_unique<SearchResult>(
        SearchResult{"pdr", 0.005, {"64", 64, 64}, RateSearch(1000, 0.005), RunEnd::Complete, {}, {}});
    result->search.record({1000, 1, 1000, 100, true});
    result->search.record({900, 1, 900, 1, false});
    result->round_trips.resize(1);
    result->round_trips[0].share = 0.5;
    result->round_trips[0].tsc_hz = 1e9;
    result->round_trips[0].round_trip.add(2000);
    return result;
}

TEST(SearchJson, HasBothBoundsAndEveryTrial) {
    const auto json = nlohmann::json::parse(render_json(*searched()));
    EXPECT_EQ(json["schema"], "l2echo.search/1");
    EXPECT_EQ(json["search"], "pdr");
    EXPECT_DOUBLE_EQ(json["lower"]["frames_per_second"].get<double>(), 900);
    EXPECT_DOUBLE_EQ(json["upper"]["frames_per_second"].get<double>(), 1000);
    EXPECT_EQ(json["sizes"], "64");
    EXPECT_EQ(json["smallest_size"], 64);
    EXPECT_EQ(json["largest_size"], 64);
    EXPECT_EQ(json["trials"].size(), 2u);
    EXPECT_EQ(json["trials"][0]["sender_limited"], true);
    EXPECT_DOUBLE_EQ(json["round_trips"][0]["p50_ns"].get<double>(), 2000);
}

TEST(SearchJson, MissingBoundIsNull) {
    const SearchResult nothing{"ndr", 0, {"64", 64, 64}, RateSearch(1000, 0), RunEnd::Complete, {}, {}};
    EXPECT_TRUE(nlohmann::json::parse(render_json(nothing))["lower"].is_null());
}

TEST(SearchResult, IncompleteSearchSaysSoAndWhy) {
    const auto result = searched();
    EXPECT_EQ(nlohmann::json::parse(render_json(*result))["ended"], "complete");
    result->end = RunEnd::LinkDown;
    const auto json = nlohmann::json::parse(render_json(*result));
    EXPECT_EQ(json["complete"], false);
    EXPECT_EQ(json["ended"], "link-down");
    EXPECT_EQ(render_text(*result).rfind("NOT COMPLETE: the link was down at the end\n", 0), 0u);
}

TEST(SearchText, SaysThatLossThatIgnoresTheRateIsNoLimit) {
    const auto result = searched();
    EXPECT_EQ(render_text(*result).find("Loss did not fall"), std::string::npos);
    result->search.record({300, 1, 300, 40, false});
    EXPECT_NE(render_text(*result).find("Loss did not fall with the rate, so it is no limit"),
              std::string::npos);
}

TEST(SearchText, ShowsBoundsAndTheLimit) {
    const std::string text = render_text(*searched());
    EXPECT_NE(
        text.find(
            "pdr (loss of at most 0.5 %), size 64: 900 frames/s sustained, 1.00 kframes/s not; 2 trials"),
        std::string::npos)
        << text;
    EXPECT_NE(text.find("\nThe probe was the limit in 1 of 2 trials: it could not send at the rate asked; "
                        "give it more lcores, because the far end may sustain more\n"),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("round trip at 50 % of it: p50 2.0 us"), std::string::npos);
}

TEST(SearchResult, CountsTheTrialsThatTheProbeLimitedEvenBelowTheUpperBound) {
    SearchResult result{"ndr", 0, {"64", 64, 64}, RateSearch(1000, 0), RunEnd::Complete, {}, {}};
    result.search.record({1000, 1, 1000, 100, true});
    result.search.record({900, 1, 900, 10, true});
    result.search.record({800, 1, 800, 1, false});
    EXPECT_EQ(nlohmann::json::parse(render_json(result))["sender_limited_trials"], 2);
    const std::string text = render_text(result);
    EXPECT_NE(text.find("The probe was the limit in 2 of 3 trials: it could not send at the rate asked; "
                        "give it more lcores\n"),
              std::string::npos)
        << text;
}

TEST(SearchResult, DoesNotBlameAProbeThatKeptUp) {
    SearchResult result{"ndr", 0, {"64", 64, 64}, RateSearch(1000, 0), RunEnd::Complete, {}, {}};
    result.search.record({1000, 1, 1000, 0, false});
    EXPECT_EQ(nlohmann::json::parse(render_json(result))["sender_limited_trials"], 0);
    const std::string text = render_text(result);
    EXPECT_EQ(text.find("limit"), std::string::npos) << text;
    EXPECT_NE(text.find("; 1 trial\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace l2echo::probe
