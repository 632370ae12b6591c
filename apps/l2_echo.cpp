// l2_echo: the minimal echo. One port, one queue pair, one loop on the main lcore; prints the counts at the
// end and on SIGUSR1. It answers one question: do EAL, the NIC's binding and the mempool work on this
// machine?

#include <rte_cycles.h>

#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/process/output.hpp"
#include "l2echo/process/program.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/report/table.hpp"
#include "l2echo/server/options.hpp"
#include "l2echo/server/port_rules.hpp"
#include "l2echo/server/removed_ports.hpp"

namespace {

using namespace l2echo;

void echo_on_first_port(const std::string& program, const std::vector<std::string>& eal_arguments) {
    process::StopSignal stop;
    process::ReportSignal report_signal;
    const dpdk::Eal eal(program, eal_arguments);
    dpdk::Ports ports;
    ports.emplace_back(dpdk::choose_first_port(eal), dpdk::PortRequest{},
                       std::vector<int>{eal.main_lcore().numa_node});
    const dpdk::Port& port = ports.front();
    dpdk::describe_port(port);

    echo::EchoPort echo_port(std::make_unique<echo::WireRules>(
        echo::RulesRequest{}, server::describe_for_rules(port, {port.mac()})));
    echo::EchoPair pair({.queue_pair = {.port = port.id()}}, echo_port);
    dpdk::log_info("Ready: echoing on 1 port");
    const auto counts = [&pair] { return report::describe_balance(pair.queues.counters.read()) + "\n"; };
    process::ReportOutput output;
    while (!stop.requested() && !port.removed()) {
        pair.poll(rte_rdtsc());
        if (report_signal.take() && output.write(counts()) != 0)
            dpdk::log_warning("the counts could not be written to stdout");
    }
    output.finish(counts());
    server::throw_if_removed(ports);
}

}  // namespace

int main(int argc, char** argv) {
    return process::run_program(argv[0], [&](const std::string& program) {
        const auto line = server::parse_eal_command_line({argv, argv + argc});
        if (line.print)
            process::print_text(*line.print);
        else
            echo_on_first_port(program, line.options.eal);
    });
}
