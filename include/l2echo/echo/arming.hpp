// When the ports echo. Armed at start unless asked otherwise, for a time or without end; disarmed and armed
// again while running. Not kept beyond the process.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "l2echo/echo/gate.hpp"
#include "l2echo/verdict/arming_state.hpp"

namespace l2echo::echo {

/// All calls from the main lcore and control threads.
class Arming {
  public:
    /// The gates, one for each port, outlive it. `expire` is how long arming lasts when nothing else is said;
    /// empty: without end.
    Arming(std::vector<Gate*> gates, bool disarmed, std::optional<std::chrono::milliseconds> expire);

    /// From now on; also forgets reflectors faced.
    void arm(std::optional<std::chrono::milliseconds> expire) noexcept;
    void arm() noexcept { arm(expire_); }
    void disarm() noexcept;

    /// The link of a port changed: somebody else may be there now.
    void forget_peer(std::size_t port) noexcept { gates_[port]->forget_peer(); }

    verdict::ArmingState state(std::size_t port) const noexcept;
    std::size_t ports() const noexcept { return gates_.size(); }

  private:
    std::vector<Gate*> gates_;
    std::optional<std::chrono::milliseconds> expire_;
};

}  // namespace l2echo::echo
