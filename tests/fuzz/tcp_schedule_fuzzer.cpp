// libFuzzer target: a schedule, from two bytes per parameter. The simulation checks the properties, and the
// sanitizers see every access outside of a FIFO, a packet or a span.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "schedule.hpp"
#include "simulation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace l2echo::sim;
    const Schedule schedule = Schedule::from_bytes({data, size});
    const SimulationResult result = simulate(schedule);
    if (!result.finding.empty()) {
        std::fprintf(stderr, "tcp_schedule_fuzzer: %s\n  simulate --schedule '%s'\n", result.finding.c_str(),
                     schedule.text().c_str());
        std::abort();
    }
    return 0;
}
