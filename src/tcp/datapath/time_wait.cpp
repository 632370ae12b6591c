#include "l2echo/tcp/time_wait.hpp"

#include <algorithm>
#include <bit>
#include <memory>

#include "l2echo/tcp/initial_sequence.hpp"
#include "l2echo/tcp/tuple_bytes.hpp"

namespace l2echo::tcp {
namespace {

constexpr std::int64_t kMicrosPerTick = 1000;

}  // namespace

/// One cache line.
struct TimeWaitTable::Entry {
    TupleBytes tuple;  // addresses and ports
    Sequence next;
    Sequence receive_next;
    std::uint32_t recent;
    std::uint32_t clock_offset;
    std::uint32_t deadline;  // milliseconds; wraps after 49 days
    std::uint32_t newer : 31;
    std::uint32_t timestamps : 1;
    std::uint32_t older;
};

OutgoingSegment acknowledge(const TimeWaitState& state, const Tuple& tuple, Micros now) noexcept {
    OutgoingSegment segment{};
    segment.header.source_port = tuple.local_port;
    segment.header.destination_port = tuple.remote_port;
    segment.header.sequence = state.next.value();
    segment.header.acknowledgment = state.receive_next.value();
    segment.header.flags.ack = true;
    if (state.timestamps)
        segment.header.options.timestamps = wire::TcpTimestamps{state.clock.at(now), state.recent};
    return segment;
}

std::size_t TimeWaitTable::memory_for(std::uint32_t entries) noexcept {
    return entries * sizeof(Entry) + std::bit_ceil(std::max(2 * std::size_t{entries}, std::size_t{2})) * 4;
}

TimeWaitTable::TimeWaitTable(std::span<std::byte> memory, Micros duration, const hash::SipKey& key) noexcept
    : duration_(duration), key_(key) {
    static_assert(sizeof(Entry) == 64 && sizeof(TupleBytes) == kTupleBytes);
    // The largest number of entries that fits. An entry takes 72 to 80 bytes with its part of the index.
    auto entries =
        static_cast<std::uint32_t>(std::min<std::size_t>(memory.size() / (sizeof(Entry) + 8), INT32_MAX / 2));
    while (entries > 0 && memory_for(entries) > memory.size())
        --entries;
    capacity_ = entries;
    if (entries == 0)
        return;
    entries_ = reinterpret_cast<Entry*>(memory.data());
    std::uninitialized_default_construct_n(entries_, entries);
    index_mask_ = std::bit_ceil(std::max(2 * entries, 2U)) - 1;
    index_ = reinterpret_cast<std::uint32_t*>(memory.data() + entries * sizeof(Entry));
    std::uninitialized_fill_n(index_, index_mask_ + 1, 0U);
    for (std::uint32_t i = 0; i < entries; ++i)
        entries_[i].newer = i + 1;
}

/// Where the entry of the tuple is in the index, or the free place where it would be.
std::uint32_t TimeWaitTable::place_of(const TupleBytes& tuple) const noexcept {
    std::uint32_t place = home_of(tuple);
    while (index_[place] != 0 && entries_[index_[place] - 1].tuple != tuple)
        place = (place + 1) & index_mask_;
    return place;
}

std::uint32_t TimeWaitTable::home_of(const TupleBytes& tuple) const noexcept {
    return static_cast<std::uint32_t>(hash::siphash(key_, tuple)) & index_mask_;
}

TimeWaitTable::TupleBytes TimeWaitTable::bytes_of(const Tuple& tuple) noexcept {
    TupleBytes bytes;
    store_tuple(bytes.data(), tuple);
    return bytes;
}

bool TimeWaitTable::contains(const Tuple& tuple) const noexcept {
    return size_ != 0 && index_[place_of(bytes_of(tuple))] != 0;
}

void TimeWaitTable::insert(const Tuple& tuple, const TimeWaitState& state, Micros now) noexcept {
    if (capacity_ == 0)
        return;
    const TupleBytes bytes = bytes_of(tuple);
    std::uint32_t place = place_of(bytes);
    if (index_[place] != 0)
        remove(place);
    if (size_ == capacity_) {
        remove(place_of(entries_[oldest_].tuple));
        ++evicted_;
    }
    place = place_of(bytes);  // remove() moves places

    const std::uint32_t slot = free_;
    Entry& entry = entries_[slot];
    free_ = entry.newer;
    entry.tuple = bytes;
    entry.next = state.next;
    entry.receive_next = state.receive_next;
    entry.recent = state.recent;
    entry.clock_offset = state.clock.offset();
    entry.timestamps = state.timestamps ? 1 : 0;
    entry.deadline = deadline_of(now);
    index_[place] = slot + 1;
    link_newest(slot);
    ++size_;
}

TimeWaitAnswer TimeWaitTable::receive(const Tuple& tuple, const wire::TcpHeader& header, std::size_t payload,
                                      Micros now) noexcept {
    if (size_ == 0)
        return {};
    const std::uint32_t place = place_of(bytes_of(tuple));
    if (index_[place] == 0)
        return {};
    const std::uint32_t slot = index_[place] - 1;
    Entry& entry = entries_[slot];
    TimeWaitAnswer answer{TimeWaitAction::Ignore,
                          {entry.next, entry.receive_next, entry.timestamps != 0, entry.recent,
                           TimestampClock(entry.clock_offset)}};
    // RFC 1337: a reset would end the wait early.
    if (header.flags.rst)
        return answer;

    const Sequence sequence(header.sequence);
    if (header.flags.syn && !header.flags.ack) {
        if (is_new(answer.state, sequence, header.options.timestamps)) {
            remove(place);
            answer.action = TimeWaitAction::Reopen;
        }
        return answer;
    }

    // A timestamp of this connection keeps SYNs of the next one comparable.
    if (answer.state.timestamps && header.options.timestamps && sequence <= answer.state.receive_next &&
        static_cast<std::int32_t>(header.options.timestamps->value - entry.recent) > 0)
        answer.state.recent = entry.recent = header.options.timestamps->value;

    if (header.flags.fin) {
        // Our ACK of the FIN was lost.
        unlink(slot);
        entry.deadline = deadline_of(now);
        link_newest(slot);
    }
    // RFC 9293 3.10.7.4: whatever is not acceptable is answered, and nothing but an empty segment can be
    // acceptable now.
    if (header.flags.fin || header.flags.syn || payload != 0 || sequence != answer.state.receive_next)
        answer.action = TimeWaitAction::Acknowledge;
    return answer;
}

/// RFC 6191 2: the SYN must come after all of the old connection, by its timestamp if both have them, else by
/// its sequence.
bool TimeWaitTable::is_new(const TimeWaitState& state, Sequence sequence,
                           const std::optional<wire::TcpTimestamps>& timestamps) noexcept {
    const bool is_later = sequence > state.receive_next;
    if (!timestamps)
        return is_later;
    if (!state.timestamps)
        return true;
    const auto age = static_cast<std::int32_t>(timestamps->value - state.recent);
    return age > 0 || (age == 0 && is_later);
}

std::uint32_t TimeWaitTable::expire(Micros now, std::uint32_t max) noexcept {
    const auto tick = static_cast<std::uint32_t>(now.count() / kMicrosPerTick);
    std::uint32_t expired = 0;
    while (size_ != 0 && expired < max && static_cast<std::int32_t>(entries_[oldest_].deadline - tick) <= 0) {
        remove(place_of(entries_[oldest_].tuple));
        ++expired;
    }
    return expired;
}

std::optional<Micros> TimeWaitTable::deadline(Micros now) const noexcept {
    if (size_ == 0)
        return std::nullopt;
    const std::int64_t tick = now.count() / kMicrosPerTick;
    const auto rest =
        static_cast<std::int32_t>(entries_[oldest_].deadline - static_cast<std::uint32_t>(tick));
    return Micros(std::max<std::int64_t>(0, tick + rest) * kMicrosPerTick);
}

std::uint32_t TimeWaitTable::deadline_of(Micros now) const noexcept {
    return static_cast<std::uint32_t>((now + duration_).count() / kMicrosPerTick + 1);
}

/// Frees the entry, and moves later entries of the same run into the gap, so that no search ends too early.
void TimeWaitTable::remove(std::uint32_t place) noexcept {
    const std::uint32_t slot = index_[place] - 1;
    unlink(slot);
    entries_[slot].newer = free_;
    free_ = slot;
    --size_;

    std::uint32_t gap = place;
    for (std::uint32_t next = (gap + 1) & index_mask_; index_[next] != 0; next = (next + 1) & index_mask_) {
        const std::uint32_t home = home_of(entries_[index_[next] - 1].tuple);
        if (((next - home) & index_mask_) >= ((next - gap) & index_mask_)) {
            index_[gap] = index_[next];
            gap = next;
        }
    }
    index_[gap] = 0;
}

void TimeWaitTable::link_newest(std::uint32_t slot) noexcept {
    entries_[slot].older = newest_;
    entries_[slot].newer = kEnd;
    if (newest_ == kEnd)
        oldest_ = slot;
    else
        entries_[newest_].newer = slot;
    newest_ = slot;
}

void TimeWaitTable::unlink(std::uint32_t slot) noexcept {
    const Entry& entry = entries_[slot];
    if (entry.older == kEnd)
        oldest_ = entry.newer;
    else
        entries_[entry.older].newer = entry.newer;
    if (entry.newer == kEnd)
        newest_ = entry.older;
    else
        entries_[entry.newer].older = entry.older;
}

const char* TimeWaitTable::check_invariants() const noexcept {
    std::uint32_t found = 0;
    if (capacity_ == 0)
        return nullptr;
    for (std::uint32_t place = 0; place <= index_mask_; ++place) {
        if (index_[place] == 0)
            continue;
        ++found;
        if (place_of(entries_[index_[place] - 1].tuple) != place)
            return "an entry is not found by its tuple";
    }
    if (found != size_)
        return "the index holds another number of entries";
    std::uint32_t listed = 0;
    for (std::uint32_t slot = oldest_; slot != kEnd; slot = entries_[slot].newer) {
        if (++listed > size_)
            return "the list is longer than the table";
        const std::uint32_t newer = entries_[slot].newer;
        if (newer == kEnd ? slot != newest_ : entries_[newer].older != slot)
            return "the list differs backwards";
        if (newer != kEnd &&
            static_cast<std::int32_t>(entries_[newer].deadline - entries_[slot].deadline) < 0)
            return "the list is not in the order of the deadlines";
    }
    if (listed != size_)
        return "the list is shorter than the table";
    std::uint32_t free = 0;
    for (std::uint32_t slot = free_; free <= capacity_ && slot < capacity_; slot = entries_[slot].newer)
        ++free;
    return free == capacity_ - size_ ? nullptr : "entries are neither free nor listed";
}

}  // namespace l2echo::tcp
