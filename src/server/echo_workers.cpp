#include "server/echo_workers.hpp"

#include <rte_cycles.h>
#include <rte_random.h>

#include "l2echo/echo/run_echo.hpp"
#include "l2echo/server/port_rules.hpp"

namespace l2echo::server {
namespace {

std::vector<std::unique_ptr<echo::EchoPort>> make_echo_ports(const dpdk::Ports& ports,
                                                             const echo::RulesRequest& request) {
    std::vector<wire::MacAddress> own_macs;
    for (const dpdk::Port& port : ports)
        own_macs.push_back(port.mac());
    std::vector<std::unique_ptr<echo::EchoPort>> echo_ports;
    for (const dpdk::Port& port : ports)
        echo_ports.push_back(std::make_unique<echo::EchoPort>(
            std::make_unique<echo::WireRules>(request, describe_for_rules(port, own_macs))));
    return echo_ports;
}

std::vector<echo::Gate*> gates_of(const std::vector<std::unique_ptr<echo::EchoPort>>& echo_ports) {
    std::vector<echo::Gate*> gates;
    for (const auto& port : echo_ports)
        gates.push_back(&port->gate);
    return gates;
}

/// Divides the rate equally: workers share nothing, so every queue pair limits its own part.
echo::RateLimit rate_limit_for(const cli::RateRequest& port, std::uint16_t queue_pairs) {
    if (port.frames_per_second + port.bits_per_second == 0)
        return {};
    return {port.frames_per_second / queue_pairs, port.bits_per_second / queue_pairs,
            static_cast<double>(rte_get_tsc_hz())};
}

}  // namespace

EchoWorkers::EchoWorkers(const engine::WorkerPlan& plan, const dpdk::Ports& ports,
                         const EchoSettings& settings, process::StopSignal& stop)
    : echo_ports_(make_echo_ports(ports, settings.rules)),
      gates_(gates_of(echo_ports_)),
      arming_(gates_, settings.disarmed, settings.expire),
      group_(
          make_workers(plan, ports, settings),
          [this, idle = settings.idle](std::size_t index, engine::Worker& worker,
                                       const std::atomic<bool>& flag) {
              echo::run_echo(worker, sources_.at(index), idle, flag);
          },
          stop) {}

engine::Workers EchoWorkers::make_workers(const engine::WorkerPlan& plan, const dpdk::Ports& ports,
                                          const EchoSettings& settings) {
    const std::uint64_t process = rte_rand() >> 16;
    engine::Workers workers;
    const auto lcores = static_cast<std::uint16_t>(plan.lcores.size());
    for (std::uint16_t queue = 0; queue < lcores; ++queue) {
        const int node = plan.lcores[queue].numa_node;
        Sources sources;
        std::vector<engine::QueuePair*> queue_pairs;
        for (std::size_t which = 0; which < ports.size(); ++which) {
            const dpdk::Port& port = ports[which];
            if (queue >= port.plan().queue_pairs)
                continue;
            if (settings.may_trace)
                traces_.push_back(
                    std::make_unique<engine::FrameTrace>(trace_budget_, port.id(), queue, node));
            const bool checks = settings.loop_check && has_loop_check(port);
            const echo::EchoPairSettings pair{
                .queue_pair = {port.id(), queue, settings.burst, settings.tx_retries},
                .rate = rate_limit_for(settings.max_rate, port.plan().queue_pairs),
                .trace = settings.may_trace ? traces_.back().get() : nullptr,
                .loop_check = {
                    checks, port.mempool(queue), {process, static_cast<std::uint16_t>(which)}, gates_}};
            pairs_.push_back(dpdk::make_on_node<echo::EchoPair>(node, pair, *echo_ports_[which]));
            sources.push_back(pairs_.back().get());
            queue_pairs.push_back(&pairs_.back()->queues);
        }
        sources_.push_back(std::move(sources));
        workers.push_back(
            dpdk::make_on_node<engine::Worker>(node, plan.lcores[queue], std::move(queue_pairs)));
    }
    return workers;
}

}  // namespace l2echo::server
