#include "l2echo/server/echo_server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "l2echo/dpdk/capture_server.hpp"
#include "l2echo/dpdk/control_thread.hpp"
#include "l2echo/dpdk/eal.hpp"
#include "l2echo/dpdk/log.hpp"
#include "l2echo/dpdk/port_choice.hpp"
#include "l2echo/machine/cgroup.hpp"
#include "l2echo/machine/numa.hpp"
#include "l2echo/monitoring/metrics_service.hpp"
#include "l2echo/operations/operator_service.hpp"
#include "l2echo/operations/service_manager.hpp"
#include "l2echo/operations/snapshot_source.hpp"
#include "l2echo/operations/stats_reporter.hpp"
#include "l2echo/operations/telemetry_commands.hpp"
#include "l2echo/process/log.hpp"
#include "l2echo/process/request_signal.hpp"
#include "l2echo/process/stop_signal.hpp"
#include "l2echo/report/table.hpp"
#include "l2echo/server/port_rules.hpp"
#include "l2echo/server/removed_ports.hpp"
#include "server/echo_commands.hpp"
#include "server/echo_metrics.hpp"
#include "server/echo_workers.hpp"
#include "server/idle_support.hpp"
#include "server/reload.hpp"

namespace l2echo::server {
namespace {

/// Time for the rest of a start, besides the wait for links. Locking a large memory takes seconds.
constexpr std::chrono::seconds kStartLimit{60};

std::vector<int> nodes_of(const std::vector<dpdk::Lcore>& lcores) {
    std::vector<int> nodes;
    for (const dpdk::Lcore& lcore : lcores)
        nodes.push_back(lcore.numa_node);
    return nodes;
}

/// Logs a line such as "lcore 1 on CPU 1, NUMA node 0: echo".
void log_lcore(const dpdk::Lcore& lcore, const char* role) {
    const std::string cpu = lcore.cpu >= 0 ? fmt::format("CPU {}", lcore.cpu) : "several CPUs";
    const std::string node =
        lcore.numa_node >= 0 ? fmt::format("NUMA node {}", lcore.numa_node) : "NUMA node unknown";
    dpdk::log_info("lcore {} on {}, {}: {}", lcore.id, cpu, node, role);
}

void log_lcores(const dpdk::Lcore& main, const engine::WorkerPlan& plan) {
    if (plan.on_main_lcore) {
        dpdk::log_info("Running on 1 lcore (it echoes; a control thread reports)");
        log_lcore(main, "main and echo");
        return;
    }
    dpdk::log_info("Running on {} lcores (1 main + {} worker{})", plan.lcores.size() + 1, plan.lcores.size(),
                   plan.lcores.size() == 1 ? "" : "s");
    log_lcore(main, "main, reports");
    for (const dpdk::Lcore& lcore : plan.lcores)
        log_lcore(lcore, "echo");
}

/// Logs how the port's driver affects the rules.
void describe_rules(const dpdk::Port& port, wire::SwapLevel level) {
    if (!has_loop_rule(port))
        dpdk::log_info(
            "Port {}: its kernel end has the same MAC, so frames from that MAC are echoed too (no loop rule)",
            port.id());
    if (!port.keeps_outer_tag())
        dpdk::log_warning(
            fmt::format("Port {}: this driver turns an outer 802.1ad tag (0x88A8) into 802.1Q (0x8100), "
                        "so such frames go back changed; net_af_xdp and net_pcap keep it",
                        port.id()));
    const std::string veth = level == wire::SwapLevel::Mac ? "" : dpdk::veth_behind(port);
    if (!veth.empty())
        dpdk::log_info(
            "Port {}: a kernel at the other end of {} leaves UDP and TCP checksums to a NIC, which a veth has not, "
            "and drops its own frames when they come back so; type there: ethtool -K INTERFACE tx off",
            port.id(), veth);
}

void open_ports(const std::vector<std::uint16_t>& ids, dpdk::PortRequest request,
                const engine::WorkerPlan& plan, wire::SwapLevel level, dpdk::Ports& ports) {
    request.queue_pairs = static_cast<std::uint16_t>(plan.lcores.size());
    for (const std::uint16_t id : ids) {
        ports.emplace_back(id, request, nodes_of(plan.lcores));
        dpdk::describe_port(ports.back());
        describe_rules(ports.back(), level);
    }
}

void warn_of_numa(const dpdk::Ports& ports, const engine::WorkerPlan& plan) {
    for (const dpdk::Port& port : ports) {
        std::vector<machine::QueuePairNodes> nodes;
        for (std::uint16_t queue = 0; queue < port.plan().queue_pairs; ++queue)
            nodes.push_back({plan.lcores[queue].id, plan.lcores[queue].numa_node, port.mempool_node(queue)});
        for (const std::string& warning : machine::numa_warnings(port.numa_node(), nodes))
            dpdk::log_warning(fmt::format("Port {}: {}", port.id(), warning));
    }
}

void warn_of_rules(const echo::RulesRequest& rules) {
    if (rules.match.refuse_everything())
        dpdk::log_warning("every --match rule refuses, so nothing is echoed; add --match echo for the rest");
}

void log_worker(const engine::Worker& worker) {
    dpdk::log_info("Core {} entering main loop...{}", worker.lcore.id,
                   worker.queue_pairs.empty() ? " (no queue, idle)" : "");
}

void log_ready(std::size_t ports, bool disarmed) {
    dpdk::log_info("Ready: {} on {} port{}", disarmed ? "disarmed" : "echoing", ports, ports == 1 ? "" : "s");
}

std::vector<PortName> names_of(const dpdk::Ports& ports) {
    std::vector<PortName> names;
    for (const dpdk::Port& port : ports)
        names.push_back({port.id(), port.name()});
    return names;
}

EchoSettings settings_of(const Options& options, bool may_trace) {
    return {.burst = options.port.burst,
            .tx_retries = options.tx_retries,
            .rules = options.rules,
            .max_rate = options.max_rate,
            .loop_check = options.loop_check,
            .may_trace = may_trace,
            .idle = options.idle,
            .disarmed = options.disarmed,
            .expire = options.expire};
}

/// Returns the interval in force: the requested one, otherwise 1 s, or none for a table that is not on a
/// terminal.
std::chrono::milliseconds interval_in_force(const Options& options) {
    const bool watched = options.format == operations::ReportFormat::Json || isatty(STDOUT_FILENO) == 1;
    return options.stats_interval.value_or(std::chrono::milliseconds(watched ? 1000 : 0));
}

}  // namespace

void serve_echo(const std::string& program, const CommandLine& line) {
    const Options& options = line.options;
    process::set_log_format(options.log_format);
    process::StopSignal stop;
    process::ReportSignal report_signal;
    std::optional<process::ReloadSignal> reload_signal;
    if (!stop.has_terminal())
        reload_signal.emplace();
    const dpdk::Eal eal(program, options.eal);
    operations::ServiceManager manager;
    std::optional<monitoring::MetricsService> metrics;
    if (!options.metrics.empty())
        metrics.emplace(options.metrics);
    const engine::WorkerPlan plan = engine::plan_workers(eal.main_lcore(), eal.worker_lcores());
    log_lcores(eal.main_lcore(), plan);
    if (const auto warning =
            machine::quota_warning(machine::read_cpu_quota(), static_cast<unsigned>(plan.lcores.size())))
        dpdk::log_warning(*warning);

    dpdk::Ports ports;
    open_ports(dpdk::choose_ports(eal, options.ports, options.take_kernel_interface), options.port, plan,
               options.rules.level, ports);
    warn_of_numa(ports, plan);
    warn_of_rules(options.rules);
    require_idle_support(options.idle.mode, ports);
    manager.starting("waiting for links", options.link_wait + kStartLimit);
    dpdk::wait_for_links(ports, options.link_wait, stop);

    const bool may_trace = options.trace != 0 || !options.control_socket.empty();
    EchoWorkers echo(plan, ports, settings_of(options, may_trace), stop);
    echo.trace_budget().set(static_cast<std::int64_t>(options.trace));
    engine::WorkerGroup& workers = echo.group();
    operations::SnapshotSource snapshots(ports, workers.workers(),
                                         [&](std::size_t port) { return echo.arming().state(port); });
    operations::StatsReporter reporter(
        snapshots, ports,
        {.on_link_change = [&](std::size_t port) { echo.arming().forget_peer(port); },
         .on_look = [&](const auto& report) { manager.status(report::describe_in_one_line(report)); }},
        {options.format, interval_in_force(options)});
    Reload reload(line, [&](const Options& next) {
        echo.replace_rules(next.rules, next.max_rate);
        warn_of_rules(next.rules);
        reporter.set_interval(interval_in_force(next));
    });
    operations::OperatorService service(
        echo_commands(names_of(ports), echo.arming(), echo.trace_budget()), [&] { return reload.run(); },
        reload_signal ? &*reload_signal : nullptr, echo.traces(), ports,
        {options.control_socket, options.trace_file}, manager, stop);
    if (!plan.on_main_lcore)
        workers.launch();
    std::ranges::for_each(workers.workers(), [](const auto& worker) { log_worker(*worker); });

    const operations::TelemetryCommands telemetry(snapshots);
    std::optional<dpdk::CaptureServer> captures;
    if (options.allow_dumpcap)
        captures.emplace();
    std::optional<monitoring::MetricsService::Showing> showing;
    if (metrics)
        showing.emplace(*metrics, show_echo(snapshots, reporter, reload, stop));
    const auto watch_ports = [&] {
        const auto held = snapshots.hold_ports();
        give_up_removed_ports(ports, workers, stop);
    };
    log_ready(ports.size(), echo.arming().state(0).closed_by == verdict::Reason::Disarmed);
    manager.ready("ready");
    const auto report = [&] { reporter.run(stop, report_signal, options.duration, watch_ports); };
    if (plan.on_main_lcore) {
        const dpdk::ControlThread thread("l2echo-stats", report);
        workers.run_on_main_lcore();
    } else {
        report();
    }
    manager.stopping();
    workers.join();
    service.finish();
    reporter.print_final();
    throw_if_removed(ports);
    service.throw_if_trace_is_cut_short();
}

}  // namespace l2echo::server
