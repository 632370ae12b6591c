#include "l2echo/tcp/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace l2echo::tcp {

void TimerNode::append(TimerNode& node) noexcept {
    node.next_ = this;
    node.previous_ = previous_;
    previous_->next_ = &node;
    previous_ = &node;
}

/// Makes this the head of the nodes of another list, which is empty then.
void TimerNode::take_all_of(TimerNode& head) noexcept {
    make_head();
    if (head.is_alone())
        return;
    next_ = head.next_;
    previous_ = head.previous_;
    next_->previous_ = previous_->next_ = this;
    head.make_head();
}

std::uint32_t TimerWheel::Level::distance_to_next(std::uint32_t slot) const noexcept {
    const std::uint32_t begin = (slot + 1) & kSlotMask;
    const std::uint32_t skipped = begin % 64;
    std::uint64_t word = occupied[begin / 64] >> skipped << skipped;
    for (std::uint32_t i = 0; i <= kWords; ++i) {
        const std::uint32_t index = (begin / 64 + i) % kWords;
        if (i > 0)  // the word of `begin` comes again at the end, for the slots before it
            word = occupied[index];
        if (word != 0) {
            const auto found = index * 64 + static_cast<std::uint32_t>(std::countr_zero(word));
            return ((found - begin) & kSlotMask) + 1;
        }
    }
    return 0;
}

TimerWheel::TimerWheel(Micros now) noexcept : tick_(ticks_until(now)) {
    for (Level& level : levels_)
        for (TimerNode& slot : level.slots)
            slot.make_head();
}

void TimerWheel::arm(TimerNode& node, Micros deadline) noexcept {
    // Rounded up, so that no node expires early.
    const std::uint64_t rounded = ticks_until(deadline) + (deadline.count() % kTick.count() != 0 ? 1 : 0);
    node.deadline_ = std::max(rounded, tick_ + 1);
    if (node.is_armed()) {
        if (node.deadline_ >= node.visit_)
            return;
        node.unlink();
    }
    insert(node);
}

void TimerWheel::insert(TimerNode& node) noexcept {
    const std::uint64_t left = node.deadline_ - tick_;
    for (std::uint32_t level = 0; level < kLevels; ++level) {
        const std::uint32_t shift = kLevelBits * level;
        if (left < std::uint64_t{kSlots} << shift)
            return place(node, level, node.deadline_ >> shift << shift);
    }
    // Beyond the range: it is visited as late as possible, and placed again.
    constexpr std::uint32_t kLast = kLevelBits * (kLevels - 1);
    place(node, kLevels - 1, ((tick_ >> kLast) + kSlotMask) << kLast);
}

void TimerWheel::place(TimerNode& node, std::uint32_t level, std::uint64_t visit) noexcept {
    const auto slot = static_cast<std::uint32_t>(visit >> kLevelBits * level) & kSlotMask;
    node.visit_ = visit;
    levels_[level].slots[slot].append(node);
    levels_[level].occupied[slot / 64] |= std::uint64_t{1} << slot % 64;
}

bool TimerWheel::step(std::uint64_t target, TimerNode& due) noexcept {
    std::uint64_t visit = std::numeric_limits<std::uint64_t>::max();
    for (std::uint32_t level = 0; level < kLevels; ++level) {
        const std::uint64_t position = tick_ >> kLevelBits * level;
        const std::uint32_t distance =
            levels_[level].distance_to_next(static_cast<std::uint32_t>(position) & kSlotMask);
        if (distance > 0)
            visit = std::min(visit, (position + distance) << kLevelBits * level);
    }
    if (visit > target) {
        tick_ = std::max(tick_, target);
        return false;
    }
    tick_ = visit;
    const auto take_slot = [this, &due](std::uint32_t level) {
        const auto slot = static_cast<std::uint32_t>(tick_ >> kLevelBits * level) & kSlotMask;
        levels_[level].occupied[slot / 64] &= ~(std::uint64_t{1} << slot % 64);
        due.take_all_of(levels_[level].slots[slot]);
    };
    for (std::uint32_t level = kLevels - 1; level > 0; --level) {
        if (tick_ % (std::uint64_t{1} << kLevelBits * level) != 0)
            continue;
        take_slot(level);
        while (!due.is_alone()) {
            TimerNode& node = *due.next_;
            node.unlink();
            // The deadline may have moved back, but is never before the visit.
            insert(node);
        }
    }
    take_slot(0);
    return true;
}

bool TimerWheel::empty() const noexcept {
    return !next().has_value();
}

std::optional<Micros> TimerWheel::next() const noexcept {
    std::uint64_t visit = std::numeric_limits<std::uint64_t>::max();
    for (std::uint32_t level = 0; level < kLevels; ++level) {
        const std::uint64_t position = tick_ >> kLevelBits * level;
        for (std::uint32_t passed = 0; passed < kSlots;) {
            const auto slot = static_cast<std::uint32_t>(position + passed) & kSlotMask;
            const std::uint32_t distance = levels_[level].distance_to_next(slot);
            passed += distance;
            if (distance == 0 || passed > kSlots)
                break;
            if (levels_[level].slots[(slot + distance) & kSlotMask].is_alone())
                continue;
            visit = std::min(visit, (position + passed) << kLevelBits * level);
            break;
        }
    }
    if (visit == std::numeric_limits<std::uint64_t>::max())
        return std::nullopt;
    return Micros(static_cast<std::int64_t>(visit) * kTick.count());
}

}  // namespace l2echo::tcp
