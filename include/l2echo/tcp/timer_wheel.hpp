// Deadlines of many connections.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// One deadline, as a member of what it belongs to. Its destructor disarms it.
class TimerNode {
  public:
    TimerNode() noexcept = default;
    ~TimerNode() noexcept { unlink(); }
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;

    bool is_armed() const noexcept { return next_ != nullptr; }

  private:
    friend class TimerWheel;

    void unlink() noexcept {
        if (next_ == nullptr)
            return;
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

    TimerNode* next_ = nullptr;  // nullptr: not armed
    TimerNode* previous_ = nullptr;
    std::uint64_t deadline_ = 0;  // in ticks
    std::uint64_t visit_ = 0;     // when its slot is visited, in ticks: at most deadline_
};

/// Calls back for each node whose deadline has passed, at most one tick late and never early. Three levels of
/// 256 slots cover 4.6 hours; a later deadline waits in the last level and is moved when it is visited. A
/// deadline that moves back only changes a number: the node is moved when its old slot is visited. So the
/// timer of a connection that is restarted by each ACK costs a comparison.
///
/// All calls come from one thread. `now` must not decrease. The wheel does not own the nodes, and must
/// outlive those that are armed.
class TimerWheel {
  public:
    static constexpr Micros kTick{1000};

    explicit TimerWheel(Micros now) noexcept;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Arms a node, or moves the deadline of an armed one. A deadline that has passed already expires with
    /// the next tick.
    void arm(TimerNode& node, Micros deadline) noexcept;
    /// Does nothing if the node is not armed.
    void disarm(TimerNode& node) noexcept { node.unlink(); }

    /// Calls expired(TimerNode&) for each node whose deadline is not later than `now`. The node is disarmed
    /// before. The callback may arm, disarm and destroy any node, also its own.
    template <typename Expired>
    void advance(Micros now, Expired&& expired);

    /// True if no node is armed.
    bool empty() const noexcept;
    /// No node expires before this time; empty if none is armed. It can be earlier than the next deadline.
    std::optional<Micros> next() const noexcept;

  private:
    std::uint64_t tick_;  // the last tick that was processed
};

}  // namespace l2echo::tcp
