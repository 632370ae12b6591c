// l2_echo: the smallest one. One port, one queue pair, one loop on the main lcore; the counts when it ends.
// It answers one question: do EAL, the NIC's binding and the mempool work on this machine?

#include <fmt/format.h>
#include <rte_cycles.h>

#include <stdexcept>

#include "l2echo/control/eal.hpp"
#include "l2echo/control/log.hpp"
#include "l2echo/control/options.hpp"
#include "l2echo/control/port_rules.hpp"
#include "l2echo/control/port_selection.hpp"
#include "l2echo/control/program.hpp"
#include "l2echo/control/stop_signal.hpp"
#include "l2echo/dataplane/echo_burst.hpp"

namespace {

void echo(const std::string& program, const std::vector<std::string>& eal_arguments) {
    l2echo::StopSignal stop;
    const l2echo::Eal eal(program, eal_arguments);
    const std::uint16_t first = l2echo::choose_first_port(eal);
    const l2echo::Port port(first, {}, {eal.main_lcore().numa_node});
    l2echo::describe_port(port);

    l2echo::PortGate gate;
    l2echo::QueuePair pair(gate);
    pair.port = port.id();
    pair.rules = l2echo::rules_for(port, {port.mac()}, {});
    l2echo::log_info("Ready: echoing on 1 port");
    while (!stop.requested() && !port.removed())
        l2echo::echo_burst(pair, rte_rdtsc());

    const l2echo::QueuePairCounts counts = pair.counters.read();
    fmt::print("received {} = echoed {} + answered {} + refused {} + dropped {}\n", counts.received,
               counts.echoed, counts.answered, counts.refused(), counts.dropped);
    if (port.removed())
        throw std::runtime_error(
            fmt::format("port {} ({}) was removed while running", port.id(), port.name()));
}

}  // namespace

int main(int argc, char** argv) {
    return l2echo::run_program(argv[0], [&](const std::string& program) {
        const auto line = l2echo::parse_eal_command_line({argv, argv + argc});
        if (line.print)
            fmt::print("{}", *line.print);
        else
            echo(program, line.options.eal);
    });
}
