// Controls when the ports echo. By default they are armed at start, with or without a time limit, and can be
// disarmed and armed again at run time. The state is not saved.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "l2echo/echo/gate.hpp"
#include "l2echo/verdict/arming_state.hpp"

namespace l2echo::echo {

/// Called only by the main lcore and control threads.
class Arming {
  public:
    /// `gates` has one gate per port; they must outlive this object. `expire` is the default duration of
    /// arming; empty: no time limit.
    Arming(std::vector<Gate*> gates, bool disarmed, std::optional<std::chrono::milliseconds> expire);

    /// Arms all ports from now on and clears the peers that they face.
    void arm(std::optional<std::chrono::milliseconds> expire) noexcept;
    void arm() noexcept { arm(expire_); }
    void disarm() noexcept;

    /// Call when the link of a port has changed: the peer may be a different one.
    void forget_peer(std::size_t port) noexcept { gates_[port]->forget_peer(); }

    verdict::ArmingState state(std::size_t port) const noexcept;
    std::size_t ports() const noexcept { return gates_.size(); }

  private:
    std::vector<Gate*> gates_;
    std::optional<std::chrono::milliseconds> expire_;
};

}  // namespace l2echo::echo
