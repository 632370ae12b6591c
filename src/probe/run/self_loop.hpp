// Time that the probe itself adds to a round trip.
#pragma once

#include "l2echo/probe/result/histogram.hpp"
#include "l2echo/probe/traffic/traffic.hpp"

namespace l2echo::probe {

/// Measures round trips of frames that are written and checked without a wire in between, in TSC cycles.
Histogram measure_self_loop(const Traffic& traffic);

}  // namespace l2echo::probe
