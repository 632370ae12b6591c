// l2_echo: the smallest one. One port, one queue pair, one loop on the main lcore; the counts when it ends.
// It answers one question: do EAL, the NIC's binding and the mempool work on this machine?

#include <fmt/format.h>
#include <rte_cycles.h>

#include <stdexcept>

#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/echo/echo_burst.hpp"
#include "l2echo/process/program.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/server/options.hpp"
#include "l2echo/server/port_rules.hpp"

namespace {

void echo(const std::string& program, const std::vector<std::string>& eal_arguments) {
    l2echo::process::StopSignal stop;
    const l2echo::dpdk::Eal eal(program, eal_arguments);
    const std::uint16_t first = l2echo::dpdk::choose_first_port(eal);
    const l2echo::dpdk::Port port(first, {}, {eal.main_lcore().numa_node});
    l2echo::dpdk::describe_port(port);

    l2echo::echo::PortGate gate;
    l2echo::engine::QueuePair pair(gate);
    pair.port = port.id();
    pair.rules = l2echo::server::rules_for(port, {port.mac()}, {});
    l2echo::dpdk::log_info("Ready: echoing on 1 port");
    while (!stop.requested() && !port.removed())
        l2echo::echo::echo_burst(pair, rte_rdtsc());

    const l2echo::engine::QueuePairCounts counts = pair.counters.read();
    fmt::print("received {} = echoed {} + answered {} + refused {} + dropped {}\n", counts.received,
               counts.echoed, counts.answered, counts.refused(), counts.dropped);
    if (port.removed())
        throw std::runtime_error(
            fmt::format("port {} ({}) was removed while running", port.id(), port.name()));
}

}  // namespace

int main(int argc, char** argv) {
    return l2echo::process::run_program(argv[0], [&](const std::string& program) {
        const auto line = l2echo::server::parse_eal_command_line({argv, argv + argc});
        if (line.print)
            fmt::print("{}", *line.print);
        else
            echo(program, line.options.eal);
    });
}
