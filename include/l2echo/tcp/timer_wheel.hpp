// Deadlines of many connections.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

    // The head of a list is a node, too.
    void make_head() noexcept { next_ = previous_ = this; }
    bool is_alone() const noexcept { return next_ == this; }
    void append(TimerNode& node) noexcept;
    void take_all_of(TimerNode& head) noexcept;
    void unlink() noexcept {
        if (next_ == nullptr)
            return;
        next_->previous_ = previous_;
        previous_->next_ = next_;
        next_ = previous_ = nullptr;
    }

    TimerNode* next_ = nullptr;  // nullptr: in no list
    TimerNode* previous_ = nullptr;
    std::uint64_t deadline_ = 0;  // in ticks
    std::uint64_t visit_ = 0;     // the tick in which its slot is visited: at most deadline_
};
static_assert(sizeof(TimerNode) == 32);

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
    ~TimerWheel() = default;
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    /// Arms a node, or moves the deadline of an armed one. A deadline that has passed already expires with
    /// the next tick.
    void arm(TimerNode& node, Micros deadline) noexcept;
    /// Does nothing if the node is not armed.
    void disarm(TimerNode& node) noexcept { node.unlink(); }

    /// Calls expired(TimerNode&) for each node whose deadline is not later than `now`. The node is disarmed
    /// before. The callback may arm, disarm and destroy any node, also the one that it gets. It must not
    /// throw.
    template <typename Expired>
    void advance(Micros now, Expired&& expired) noexcept {
        const std::uint64_t target = ticks_until(now);
        TimerNode due;
        while (step(target, due)) {
            while (!due.is_alone()) {
                TimerNode& node = *due.next_;
                node.unlink();
                if (node.deadline_ > tick_)
                    insert(node);  // the deadline moved back while the node waited
                else
                    expired(node);
            }
        }
    }

    /// True if no node is armed.
    bool empty() const noexcept;
    /// No node expires before this time; empty if none is armed. It can be earlier than the next deadline:
    /// then advance() moves nodes, and the next call returns a later time.
    std::optional<Micros> next() const noexcept;

  private:
    static constexpr std::uint32_t kLevels = 3;
    static constexpr std::uint32_t kLevelBits = 8;
    static constexpr std::uint32_t kSlots = 1U << kLevelBits;
    static constexpr std::uint32_t kSlotMask = kSlots - 1;
    static constexpr std::uint32_t kWords = kSlots / 64;

    struct Level {
        std::array<TimerNode, kSlots> slots;
        // A bit per slot: may a node be in it? Disarming does not clear it.
        std::array<std::uint64_t, kWords> occupied{};

        /// Slots from `slot` to the next that is occupied, 1 to kSlots; 0 if none is.
        std::uint32_t distance_to_next(std::uint32_t slot) const noexcept;
    };

    static std::uint64_t ticks_until(Micros time) noexcept {
        return static_cast<std::uint64_t>(time.count() / kTick.count());
    }

    /// Goes to the next tick, up to `target`, in which a slot is visited, and fills `due` with the nodes of
    /// that tick, which may have a later deadline. False if there is none; then the time is `target`.
    bool step(std::uint64_t target, TimerNode& due) noexcept;
    void insert(TimerNode& node) noexcept;
    void place(TimerNode& node, std::uint32_t level, std::uint64_t visit) noexcept;

    std::uint64_t tick_;  // the last that was visited
    std::array<Level, kLevels> levels_;
};

}  // namespace l2echo::tcp
