#include "l2echo/server/echo_server.hpp"

#include <unistd.h>

#include <algorithm>

#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/dpdk/lcore.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/echo/arming.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/machine/cgroup.hpp"
#include "l2echo/machine/host_limits.hpp"
#include "l2echo/machine/numa.hpp"
#include "l2echo/operations/operator_service.hpp"
#include "l2echo/operations/stats_reporter.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/server/idle_support.hpp"
#include "l2echo/server/removed_ports.hpp"

namespace l2echo::server {
namespace {

using Ports = std::vector<std::unique_ptr<dpdk::Port>>;

std::vector<int> nodes_of(const std::vector<dpdk::Lcore>& lcores) {
    std::vector<int> nodes;
    for (const dpdk::Lcore& lcore : lcores)
        nodes.push_back(lcore.numa_node);
    return nodes;
}

/// "lcore 1 on CPU 1, NUMA node 0: echo"
void tell_lcore(const dpdk::Lcore& lcore, const char* role) {
    const std::string cpu = lcore.cpu >= 0 ? fmt::format("CPU {}", lcore.cpu) : "several CPUs";
    const std::string node =
        lcore.numa_node >= 0 ? fmt::format("NUMA node {}", lcore.numa_node) : "NUMA node unknown";
    dpdk::log_info("lcore {} on {}, {}: {}", lcore.id, cpu, node, role);
}

void tell_lcores(const dpdk::Lcore& main, const engine::WorkerPlan& plan) {
    if (plan.on_main_lcore) {
        dpdk::log_info("Running on 1 lcore (it echoes; a control thread reports)");
        tell_lcore(main, "main and echo");
        return;
    }
    dpdk::log_info("Running on {} lcores (1 main + {} worker{})", plan.lcores.size() + 1, plan.lcores.size(),
                   plan.lcores.size() == 1 ? "" : "s");
    tell_lcore(main, "main, reports");
    for (const dpdk::Lcore& lcore : plan.lcores)
        tell_lcore(lcore, "echo");
}

Ports open_ports(const std::vector<std::uint16_t>& ids, dpdk::PortRequest request,
                 const engine::WorkerPlan& plan) {
    request.workers = static_cast<std::uint16_t>(plan.lcores.size());
    Ports ports;
    for (const std::uint16_t id : ids) {
        ports.push_back(std::make_unique<dpdk::Port>(id, request, nodes_of(plan.lcores)));
        dpdk::describe_port(*ports.back());
    }
    return ports;
}

void warn_of_numa(const Ports& ports, const engine::WorkerPlan& plan) {
    for (const auto& port : ports) {
        std::vector<machine::QueuePairNodes> nodes;
        for (std::uint16_t queue = 0; queue < port->plan().queue_pairs; ++queue)
            nodes.push_back({plan.lcores[queue].id, plan.lcores[queue].numa_node, port->mempool_node(queue)});
        for (const std::string& warning : machine::numa_warnings(port->numa_node(), nodes))
            dpdk::log_warning(fmt::format("Port {}: {}", port->id(), warning));
    }
}

void tell_worker(const engine::Worker& worker) {
    dpdk::log_info("Core {} entering main loop...{}", worker.lcore,
                   worker.queue_pairs.empty() ? " (no queue, idle)" : "");
}

void tell_ready(std::size_t ports, bool disarmed) {
    dpdk::log_info("Ready: {} on {} port{}", disarmed ? "disarmed" : "echoing", ports, ports == 1 ? "" : "s");
}

}  // namespace

void serve_echo(const std::string& program, const Options& options) {
    process::StopSignal stop;
    const dpdk::Eal eal(program, options.eal);
    const engine::WorkerPlan plan = engine::plan_workers(eal.main_lcore(), eal.worker_lcores());
    tell_lcores(eal.main_lcore(), plan);
    if (const auto warning =
            machine::quota_warning(machine::read_cpu_quota(), static_cast<unsigned>(plan.lcores.size())))
        dpdk::log_warning(*warning);

    const Ports ports =
        open_ports(dpdk::choose_ports(eal, options.ports, options.take_kernel_interface), options.port, plan);
    warn_of_numa(ports, plan);
    require_idle_support(options.idle.way, ports);
    dpdk::wait_for_links(ports, options.link_wait, stop);

    echo::Session session(ports.size(), options.disarmed, options.expire);
    const bool may_trace = options.trace != 0 || !options.control_socket.empty();
    engine::WorkerGroup workers(plan, ports,
                                {options.port.burst, options.tx_retries, options.rules, options.max_rate,
                                 options.loop_check, may_trace, options.idle},
                                session, stop);
    session.trace_budget().set(static_cast<std::int64_t>(options.trace));
    std::optional<operations::SessionService> service;
    if (may_trace)
        service.emplace(session, workers.traces(), ports, options.control_socket, options.trace_file, stop);
    if (!plan.on_main_lcore)
        workers.launch();
    std::ranges::for_each(workers.workers(), [](const auto& worker) { tell_worker(*worker); });

    operations::StatsReporter reporter(ports, workers.workers(), session, options.stats_format,
                                       operations::effective_interval(options, isatty(STDOUT_FILENO) == 1));
    const auto watch_ports = [&] { give_up_removed_ports(ports, workers, stop); };
    tell_ready(ports.size(), options.disarmed);
    if (plan.on_main_lcore) {
        const dpdk::ControlThread thread("l2echo-stats",
                                         [&] { reporter.run(stop, options.duration, watch_ports); });
        workers.run_on_main_lcore();
    } else {
        reporter.run(stop, options.duration, watch_ports);
    }
    workers.join();
    if (service)
        service->finish();
    reporter.print_final();
    throw_if_removed(ports);
}

}  // namespace l2echo::server
