// The folder that a sweep leaves its results in.
#pragma once

#include <string>

#include "l2echo/probe/search/sweep_result.hpp"

namespace l2echo::probe {

/// Made when it is missing. Throws StartupError when files cannot be created there, or when it holds the
/// results of another sweep: nothing that was measured is overwritten.
void make_sweep_folder(const std::string& folder);

/// sweep.json, sweep.md and what gnuplot needs. Called again as more is measured. Throws std::runtime_error.
void write_sweep(const std::string& folder, const SweepResult& result);

/// Has gnuplot draw what write_sweep() wrote, and shows the plots in sweep.md. A warning tells what to do
/// when that fails: the measurements are there all the same.
void draw_sweep(const std::string& folder, const SweepResult& result);

}  // namespace l2echo::probe
