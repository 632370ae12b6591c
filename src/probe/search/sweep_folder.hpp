// The folder with the results of a sweep.
#pragma once

#include <filesystem>
#include <string>

#include "probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// Creates the folder if it does not exist. Throws StartupError if files cannot be created there, or if it
/// holds the results of another sweep, so that no measurements are overwritten.
void make_sweep_folder(const std::string& folder);

/// Writes sweep.json, sweep.md and a histogram per load. Called again after more was measured. Throws
/// std::runtime_error.
void write_sweep(const std::string& folder, const SweepResult& result);

/// Returns the script that draws the plots, in the source tree of a build or where it is installed; empty if
/// it is in neither place.
std::filesystem::path find_plot_script(const std::filesystem::path& program);

/// Runs that script on the output of write_sweep(). If it cannot be run, logs one line with the reason and
/// what to type instead of failing: the measurements are complete without plots.
void draw_sweep(const std::string& folder);

}  // namespace l2echo::probe
