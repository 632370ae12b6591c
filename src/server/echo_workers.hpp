// Owns everything that echoes: the rules and gates of the ports, the queue pairs, and the workers that poll
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "l2echo/cli/rate.hpp"
#include "l2echo/dpdk/ports.hpp"
#include "l2echo/echo/arming.hpp"
#include "l2echo/echo/echo_pair.hpp"
#include "l2echo/engine/idle.hpp"
#include "l2echo/engine/worker_group.hpp"
#include "l2echo/operations/trace_writer.hpp"
#include "l2echo/process/stop_signal.hpp"

namespace l2echo::server {

struct EchoSettings {
    std::uint16_t burst = 32;
    std::uint32_t tx_retries = 0;
    echo::RulesRequest rules;
    cli::RateRequest max_rate;  ///< per port, in frames or bits; all zero: no limit
    bool loop_check = true;
    bool may_trace = false;
    engine::IdleSettings idle;
    bool disarmed = false;                            ///< start disarmed
    std::optional<std::chrono::milliseconds> expire;  ///< empty: echo without a time limit
};

/// Destroy before the ports. Main lcore only, except for arming() and trace_budget(), which follow their own
/// rules.
class EchoWorkers {
  public:
    /// Throws StartupError.
    EchoWorkers(const engine::WorkerPlan& plan, const dpdk::Ports& ports, const EchoSettings& settings,
                process::StopSignal& stop);

    /// Control thread: every port echoes by these rules and rates from its next burst on. Waits until no
    /// burst by the old ones is in progress.
    void replace_rules(const echo::RulesRequest& rules, const cli::RateRequest& max_rate);

    echo::Arming& arming() noexcept { return arming_; }
    engine::TraceBudget& trace_budget() noexcept { return trace_budget_; }
    const operations::Traces& traces() const noexcept { return traces_; }
    engine::WorkerGroup& group() noexcept { return group_; }

  private:
    using Sources = std::vector<echo::EchoPair*>;

    /// What the rules of a port need besides the user's options. Read from the device once, because it may be
    /// removed later.
    struct RulesOfPort {
        echo::RulesPort port;
        std::uint16_t queue_pairs;
    };

    static std::vector<RulesOfPort> describe(const dpdk::Ports& ports);
    std::vector<std::unique_ptr<echo::WireRules>> make_rules(const echo::RulesRequest& rules,
                                                             const cli::RateRequest& max_rate) const;
    std::vector<std::unique_ptr<echo::EchoPort>> make_echo_ports(const EchoSettings& settings) const;

    engine::Workers make_workers(const engine::WorkerPlan& plan, const dpdk::Ports& ports,
                                 const EchoSettings& settings);

    std::vector<RulesOfPort> rules_of_ports_;
    std::vector<std::unique_ptr<echo::EchoPort>> echo_ports_;
    std::vector<echo::Gate*> gates_;
    /// Rules that were replaced while a worker did not end its turn, and might still read them.
    std::vector<std::unique_ptr<const echo::WireRules>> retired_rules_;
    echo::Arming arming_;
    engine::TraceBudget trace_budget_;
    operations::Traces traces_;
    std::vector<dpdk::NumaPtr<echo::EchoPair>> pairs_;
    std::vector<Sources> sources_;  ///< per worker
    engine::WorkerGroup group_;     ///< declared last, so that it is destroyed, and joins, first
};

}  // namespace l2echo::server
