// The test session: when the ports echo. Armed at start unless asked otherwise, for a time or without end;
// disarmed and armed again while running. Never kept beyond the process.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "l2echo/echo/port_gate.hpp"
#include "l2echo/engine/frame_trace.hpp"
#include "l2echo/report/snapshot.hpp"

namespace l2echo::echo {

/// Outlives the workers, who read the gates and the budget. All calls from the main lcore and control
/// threads.
class Session {
  public:
    /// `expire` is how long arming lasts when nothing else is said; empty: without end.
    Session(std::size_t ports, bool disarmed, std::optional<std::chrono::milliseconds> expire);

    PortGate& gate(std::size_t port) noexcept { return gates_[port]; }
    engine::TraceBudget& trace_budget() noexcept { return trace_budget_; }

    /// From now on; also forgets reflectors faced.
    void arm(std::optional<std::chrono::milliseconds> expire) noexcept;
    void arm() noexcept { arm(expire_); }
    void disarm() noexcept;

    report::SessionState state(std::size_t port) const noexcept;
    std::size_t ports() const noexcept { return ports_; }

  private:
    std::size_t ports_;
    std::unique_ptr<PortGate[]> gates_;
    std::optional<std::chrono::milliseconds> expire_;
    engine::TraceBudget trace_budget_;
};

}  // namespace l2echo::echo
