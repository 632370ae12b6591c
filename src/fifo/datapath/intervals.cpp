#include "l2echo/fifo/intervals.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace l2echo::fifo {
namespace {

/// Holds for positions that are less than 2^31 apart.
constexpr bool is_before(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) < 0;
}
constexpr std::uint32_t earlier(std::uint32_t a, std::uint32_t b) noexcept {
    return is_before(a, b) ? a : b;
}
constexpr std::uint32_t later(std::uint32_t a, std::uint32_t b) noexcept {
    return is_before(a, b) ? b : a;
}

}  // namespace

OutOfOrderIntervals::~OutOfOrderIntervals() {
    assert(entries_ == nullptr);
}

Interval OutOfOrderIntervals::at(std::size_t index) const noexcept {
    assert(index < count_);
    return entries_[index].interval;
}

std::uint32_t OutOfOrderIntervals::end() const noexcept {
    assert(count_ > 0);
    return entries_[count_ - 1].interval.end;
}

std::uint32_t OutOfOrderIntervals::first_not_before(std::uint32_t position) const noexcept {
    // From the back: new bytes mostly arrive after what is there.
    std::uint32_t index = count_;
    while (index > 0 && !is_before(entries_[index - 1].interval.end, position))
        --index;
    return index;
}

void OutOfOrderIntervals::replace(std::uint32_t first, std::uint32_t last, Entry entry) noexcept {
    std::memmove(entries_ + first + 1, entries_ + last, (count_ - last) * sizeof(Entry));
    entries_[first] = entry;
    count_ = count_ - (last - first) + 1;
}

void OutOfOrderIntervals::remove(Arena& arena, std::uint32_t count) noexcept {
    count_ -= count;
    if (count_ == 0)
        release(arena);
    else if (count > 0)
        std::memmove(entries_, entries_ + count, count_ * sizeof(Entry));
}

bool OutOfOrderIntervals::add(Arena& arena, Interval interval) noexcept {
    static_assert(kMaxIntervals * sizeof(Entry) <= 2 * Arena::kMinBlock);
    if (interval.empty())
        return true;
    const std::uint32_t first = first_not_before(interval.begin);
    std::uint32_t last = first;
    for (; last < count_ && !is_before(interval.end, entries_[last].interval.begin); ++last) {
        interval.begin = earlier(interval.begin, entries_[last].interval.begin);
        interval.end = later(interval.end, entries_[last].interval.end);
    }
    if (first == last) {  // it touches none
        if (entries_ == nullptr)
            entries_ = static_cast<Entry*>(arena.allocate(kMaxIntervals * sizeof(Entry)));
        if (entries_ == nullptr || count_ == kMaxIntervals) {
            ++refused_;
            return false;
        }
    }
    replace(first, last, {interval, ++changes_});
    return true;
}

Interval OutOfOrderIntervals::first_hole(Interval within) const noexcept {
    for (std::uint32_t index = first_not_before(within.begin); index < count_; ++index) {
        const Interval held = entries_[index].interval;
        if (!is_before(within.begin, within.end))
            return {within.end, within.end};
        if (is_before(within.begin, held.begin))
            return {within.begin, earlier(held.begin, within.end)};
        within.begin = held.end;
    }
    return is_before(within.begin, within.end) ? within : Interval{within.end, within.end};
}

Interval OutOfOrderIntervals::first_held(Interval within) const noexcept {
    for (std::uint32_t index = first_not_before(within.begin); index < count_; ++index) {
        const Interval held = entries_[index].interval;
        const Interval common{later(within.begin, held.begin), earlier(within.end, held.end)};
        if (is_before(common.begin, common.end))
            return common;
        if (!is_before(held.begin, within.end))
            break;
    }
    return {within.end, within.end};
}

std::uint32_t OutOfOrderIntervals::advance(Arena& arena, std::uint32_t tail) noexcept {
    std::uint32_t passed = 0;
    for (; passed < count_ && !is_before(tail, entries_[passed].interval.begin); ++passed)
        tail = later(tail, entries_[passed].interval.end);
    if (passed > 0)
        remove(arena, passed);
    return tail;
}

std::size_t OutOfOrderIntervals::recent(std::span<Interval> to) const noexcept {
    // At most four of at most 32, so a sort is not worth it.
    std::uint32_t limit = changes_ + 1;
    std::size_t found = 0;
    for (; found < std::min<std::size_t>(to.size(), count_); ++found) {
        const Entry* newest = nullptr;
        for (std::uint32_t index = 0; index < count_; ++index)
            if (is_before(entries_[index].changed, limit) &&
                (newest == nullptr || is_before(newest->changed, entries_[index].changed)))
                newest = &entries_[index];
        if (newest == nullptr)
            break;
        to[found] = newest->interval;
        limit = newest->changed;
    }
    return found;
}

void OutOfOrderIntervals::release(Arena& arena) noexcept {
    arena.release(entries_);
    entries_ = nullptr;
    count_ = 0;
}

}  // namespace l2echo::fifo
