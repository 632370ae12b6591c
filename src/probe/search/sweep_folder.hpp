// The folder that a sweep leaves its results in.
#pragma once

#include <filesystem>
#include <string>

#include "probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// Made when it is missing. Throws StartupError when files cannot be created there, or when it holds the
/// results of another sweep: nothing that was measured is overwritten.
void make_sweep_folder(const std::string& folder);

/// sweep.json, sweep.md and a histogram for each load. Called again as more is measured. Throws
/// std::runtime_error.
void write_sweep(const std::string& folder, const SweepResult& result);

/// The script that draws the plots: in the source tree of a build, or where it is installed. Empty if it is
/// in neither place.
std::filesystem::path find_plot_script(const std::filesystem::path& program);

/// Starts that script on what write_sweep() wrote. If there are no plots in the end, one line says why and
/// what to type: the measurements are complete without them.
void draw_sweep(const std::string& folder);

}  // namespace l2echo::probe
