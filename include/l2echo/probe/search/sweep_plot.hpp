// The plots of a sweep, as data and scripts that gnuplot makes SVG files of. Pure functions of their
// arguments.
#pragma once

#include <string>
#include <vector>

#include "l2echo/probe/search/sweep_result.hpp"

namespace l2echo::probe {

struct TextFile {
    std::string name;
    std::string text;
};

/// NAME.gp reads what is in `data` and writes NAME.svg.
struct Plot {
    std::string name;
    std::string script;
    std::vector<TextFile> data;

    std::string script_file() const { return name + ".gp"; }
    std::string image_file() const { return name + ".svg"; }
};

/// "throughput": bits and frames per second by frame size.
Plot plot_throughput(const SweepResult& result);
/// "round_trip_SIZE": percentiles of the round trip, a line for each load.
Plot plot_round_trips(const SweepResult& result, const SweepSize& size);
/// All that there is something to plot for.
std::vector<Plot> plots_of(const SweepResult& result);

}  // namespace l2echo::probe
