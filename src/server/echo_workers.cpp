#include "server/echo_workers.hpp"

#include <rte_cycles.h>
#include <rte_random.h>

#include "l2echo/dpdk/polling_lcore.hpp"
#include "l2echo/echo/run_echo.hpp"
#include "l2echo/server/port_rules.hpp"

namespace l2echo::server {
namespace {

/// Divides the rate equally: workers share nothing, so every queue pair limits its own part.
echo::RateLimit rate_limit_for(const cli::RateRequest& port, std::uint16_t queue_pairs) {
    if (port.frames_per_second + port.bits_per_second == 0)
        return {};
    return {port.frames_per_second / queue_pairs, port.bits_per_second / queue_pairs,
            static_cast<double>(rte_get_tsc_hz())};
}

std::vector<echo::Gate*> gates_of(const std::vector<std::unique_ptr<echo::EchoPort>>& echo_ports) {
    std::vector<echo::Gate*> gates;
    for (const auto& port : echo_ports)
        gates.push_back(&port->gate);
    return gates;
}

}  // namespace

EchoWorkers::EchoWorkers(const engine::WorkerPlan& plan, const dpdk::Ports& ports,
                         const EchoSettings& settings, process::StopSignal& stop)
    : rules_of_ports_(describe(ports)),
      echo_ports_(make_echo_ports(settings)),
      gates_(gates_of(echo_ports_)),
      arming_(gates_, settings.disarmed, settings.expire),
      group_(
          make_workers(plan, ports, settings),
          [this, idle = settings.idle](std::size_t index, engine::Worker& worker,
                                       const std::atomic<bool>& flag) {
              echo::run_echo(worker, sources_.at(index), idle, flag);
          },
          stop) {}

std::vector<EchoWorkers::RulesOfPort> EchoWorkers::describe(const dpdk::Ports& ports) {
    std::vector<wire::MacAddress> own_macs;
    for (const dpdk::Port& port : ports)
        own_macs.push_back(port.mac());
    std::vector<RulesOfPort> described;
    for (const dpdk::Port& port : ports)
        described.push_back({describe_for_rules(port, own_macs), port.plan().queue_pairs});
    return described;
}

std::vector<std::unique_ptr<echo::WireRules>> EchoWorkers::make_rules(
    const echo::RulesRequest& rules, const cli::RateRequest& max_rate) const {
    std::vector<std::unique_ptr<echo::WireRules>> made;
    for (auto [port, queue_pairs] : rules_of_ports_) {
        port.rate = rate_limit_for(max_rate, queue_pairs);
        made.push_back(std::make_unique<echo::WireRules>(rules, port));
    }
    return made;
}

std::vector<std::unique_ptr<echo::EchoPort>> EchoWorkers::make_echo_ports(
    const EchoSettings& settings) const {
    std::vector<std::unique_ptr<echo::EchoPort>> ports;
    for (auto& rules : make_rules(settings.rules, settings.max_rate))
        ports.push_back(std::make_unique<echo::EchoPort>(std::move(rules)));
    return ports;
}

void EchoWorkers::replace_rules(const echo::RulesRequest& rules, const cli::RateRequest& max_rate) {
    constexpr std::chrono::milliseconds kPatience{1000};
    auto replacements = make_rules(rules, max_rate);  // may fail, so all are made before any is used
    retired_rules_.reserve(retired_rules_.size() + replacements.size());
    for (std::size_t which = 0; which < replacements.size(); ++which)
        retired_rules_.push_back(echo_ports_[which]->replace_rules(std::move(replacements[which])));
    dpdk::PollingLcores* const lcores = dpdk::PollingLcores::current();
    if (lcores == nullptr || lcores->wait_for_turn(kPatience))
        retired_rules_.clear();
}

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
