// Metrics of any program: its version, and the process_* that Prometheus' client libraries have.
#pragma once

#include "l2echo/metrics/family.hpp"

namespace l2echo::monitoring {

metrics::Families program_metrics();

}  // namespace l2echo::monitoring
