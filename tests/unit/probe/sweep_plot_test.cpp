#include "l2echo/probe/search/sweep_plot.hpp"

#include <gtest/gtest.h>

#include "sample_sweep.hpp"

namespace l2echo::probe {
namespace {

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ThroughputPlot, DataHasARowForEachSizeAndTheLinkLimit) {
    const Plot plot = plot_throughput(sample_sweep());
    ASSERT_EQ(plot.data.size(), 1u);
    EXPECT_EQ(plot.data[0].name, "throughput.csv");
    EXPECT_EQ(plot.data[0].text,
              "size,pdr_gbit_per_second_l1,pdr_mframes_per_second,ndr_gbit_per_second_l1,"
              "ndr_mframes_per_second,link_gbit_per_second_l1,link_mframes_per_second\n"
              "64,0.672000,1.000000,0.537600,0.800000,1.000000,1.488095\n"
              "imix,0.000000,0.000000,0.000000,0.000000,1.000000,0.327397\n");
}

TEST(ThroughputPlot, AxesBeginAtZeroAndHoldTheLinkLimit) {
    const std::string script = plot_throughput(sample_sweep()).script;
    EXPECT_TRUE(has(script, "set yrange [0:1.1]")) << script;
    EXPECT_TRUE(has(script, "using 0:6:(0.45)")) << script;
    EXPECT_TRUE(has(script, "using 0:7:(0.45)")) << script;
}

TEST(ThroughputPlot, ALinkFarAboveOrUnknownDoesNotPressTheBarsFlat) {
    for (const std::uint32_t mbps : {0u, 100'000u}) {
        SweepResult result = sample_sweep();
        result.link_mbps = mbps;
        const std::string script = plot_throughput(result).script;
        EXPECT_TRUE(has(script, "set yrange [0:0.7392]")) << script;
        EXPECT_FALSE(has(script, "link limit")) << script;
    }
}

TEST(ThroughputPlot, OneGoalHasOneSeries) {
    SweepResult result = sample_sweep();
    for (SweepSize& size : result.sizes)
        size.searches.pop_back();
    const Plot plot = plot_throughput(result);
    EXPECT_FALSE(has(plot.script, "NDR"));
    EXPECT_TRUE(has(plot.data[0].text, "\n64,0.672000,1.000000,1.000000,1.488095\n")) << plot.data[0].text;
}

TEST(RoundTripPlot, HasALineAndADataFileForEachLoad) {
    const SweepResult result = sample_sweep();
    const Plot plot = plot_round_trips(result, result.sizes[0]);
    EXPECT_EQ(plot.script_file(), "round_trip_64.gp");
    EXPECT_TRUE(has(plot.script, "set output 'round_trip_64.svg'"));
    ASSERT_EQ(plot.data.size(), 2u);
    EXPECT_EQ(plot.data[1].name, "round_trip_64_load_50.hgrm");
    EXPECT_TRUE(has(plot.data[1].text, "       2.007 0.999900000000       9999       10000.00\n"))
        << plot.data[1].text;
    EXPECT_TRUE(has(plot.script, "'round_trip_64_load_00.hgrm' skip 2 using (x($2,$3)):($1/1e6)"))
        << plot.script;
    EXPECT_TRUE(has(plot.script, "'50 % of PDR (500 kframes/s)'")) << plot.script;
}

TEST(RoundTripPlot, TheAxisEndsWhereTheFramesEnd) {
    const SweepResult result = sample_sweep();
    const std::string script = plot_round_trips(result, result.sizes[0]).script;
    EXPECT_TRUE(has(script, "set xrange [1:10000]")) << script;
    EXPECT_TRUE(has(script, "'99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000)")) << script;
}

TEST(Plots, TextCannotLeaveItsString) {
    SweepResult result = sample_sweep();
    result.environment = {{"port", "it's\n`date`"}};
    EXPECT_TRUE(has(plot_throughput(result).script, "'it''s`date`, link 1 Gbit/s; unknown; "))
        << plot_throughput(result).script;
}

TEST(Plots, ThereIsNoneOfWhatWasNotMeasured) {
    const std::vector<Plot> plots = plots_of(sample_sweep());
    ASSERT_EQ(plots.size(), 2u);
    EXPECT_EQ(plots[0].image_file(), "throughput.svg");
    EXPECT_EQ(plots[1].image_file(), "round_trip_64.svg");
    EXPECT_TRUE(plots_of({}).empty());
}

}  // namespace
}  // namespace l2echo::probe
