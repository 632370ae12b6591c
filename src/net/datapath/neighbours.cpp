#include "l2echo/net/neighbours.hpp"

#include <algorithm>
#include <cstring>

namespace l2echo::net {
namespace {

// The order of use needs no more precision, and an entry in use then moves within its list once per second.
constexpr Micros kUseStep{1'000'000};

constexpr bool is_usable(wire::MacAddress mac) noexcept {
    return mac != 0 && !wire::is_group(mac);
}

}  // namespace

std::uint64_t Neighbours::hash_of(const wire::IpAddress& address) const noexcept {
    std::array<std::byte, 17> message;
    std::memcpy(message.data(), address.bytes.data(), 16);
    message[16] = std::byte{address.version};
    return hash::siphash(settings_.key, message);
}

std::uint32_t Neighbours::find(const wire::IpAddress& address) const noexcept {
    std::uint32_t index = buckets_[hash_of(address) & bucket_mask_];
    while (index != kNone && entries_[index].address != address)
        index = entries_[index].bucket_next;
    return index;
}

void Neighbours::unlink(std::uint32_t index) noexcept {
    Entry& entry = entries_[index];
    Ends& ends = lists_[entry.list];
    (entry.before == kNone ? ends.first : entries_[entry.before].after) = entry.after;
    (entry.after == kNone ? ends.last : entries_[entry.after].before) = entry.before;
    --ends.size;
}

void Neighbours::append(std::uint32_t index, List list, Micros when) noexcept {
    Entry& entry = entries_[index];
    Ends& ends = lists_[list];
    entry.list = list;
    entry.when = when;
    entry.before = ends.last;
    entry.after = kNone;
    (ends.last == kNone ? ends.first : entries_[ends.last].after) = index;
    ends.last = index;
    ++ends.size;
}

void Neighbours::prepend(std::uint32_t index, List list) noexcept {
    Entry& entry = entries_[index];
    Ends& ends = lists_[list];
    entry.list = list;
    entry.when = Micros(0);
    entry.before = kNone;
    entry.after = ends.first;
    (ends.first == kNone ? ends.last : entries_[ends.first].before) = index;
    ends.first = index;
    ++ends.size;
}

void Neighbours::move_to(std::uint32_t index, List list, Micros when) noexcept {
    unlink(index);
    append(index, list, when);
}

std::uint32_t Neighbours::unresolved() const noexcept {
    return lists_[kDue].size + lists_[kAsking].size + lists_[kUnreachable].size;
}

/// Which entry makes room for a new one, or kNone while there is room. Addresses that do not answer get half
/// of the table at most, so that packets with invented sources cannot evict the neighbours that exist.
std::uint32_t Neighbours::victim() const noexcept {
    constexpr std::array kOrder{kUnreachable, kKnown, kDelayed, kProbing, kAsking, kDue};
    constexpr std::array kUnresolvedOrder{kUnreachable, kAsking, kDue};
    const auto first_of = [this](const auto& order) {
        const auto* list = std::ranges::find_if(order, [this](List one) { return lists_[one].size != 0; });
        return lists_[*list].first;
    };
    if (unresolved() >= entries_.size() / 2)
        return first_of(kUnresolvedOrder);
    return lists_[kFree].size == 0 ? first_of(kOrder) : kNone;
}

/// The entry is in no list yet.
std::uint32_t Neighbours::create(const wire::IpAddress& address) noexcept {
    if (const std::uint32_t old = victim(); old != kNone) {
        ++counts_.evicted;
        erase(old);
    }
    const std::uint32_t index = lists_[kFree].first;
    unlink(index);
    const std::uint64_t hash = hash_of(address);
    std::uint32_t& bucket = buckets_[hash & bucket_mask_];
    // RFC 4861 6.3.4: 0.5 to 1.5 times the average, so that the neighbours are not probed all at once.
    const Micros reachable_time = settings_.reachable_time / 2 +
                                  settings_.reachable_time * static_cast<std::int64_t>(hash >> 48) / 0x1'0000;
    entries_[index] = {.address = address, .reachable_time = reachable_time, .bucket_next = bucket};
    bucket = index;
    ++used_;
    return index;
}

void Neighbours::erase(std::uint32_t index) noexcept {
    Entry& entry = entries_[index];
    std::uint32_t* link = &buckets_[hash_of(entry.address) & bucket_mask_];
    while (*link != index)
        link = &entries_[*link].bucket_next;
    *link = entry.bucket_next;
    drop_held(entry);
    move_to(index, kFree, Micros(0));
    --used_;
}

NeighbourState Neighbours::state_at(const Entry& entry, Micros now) noexcept {
    return entry.state == NeighbourState::Reachable && now > entry.reachable_until ? NeighbourState::Stale
                                                                                   : entry.state;
}

void Neighbours::become_reachable(std::uint32_t index, Micros now) noexcept {
    Entry& entry = entries_[index];
    entry.state = NeighbourState::Reachable;
    entry.reachable_until = now + entry.reachable_time;
    if (entry.list != kKnown)
        move_to(index, kKnown, now);
}

void Neighbours::become_stale(std::uint32_t index, Micros now) noexcept {
    entries_[index].state = NeighbourState::Stale;
    if (entries_[index].list != kKnown)
        move_to(index, kKnown, now);
}

void Neighbours::set_mac(Entry& entry, wire::MacAddress mac) noexcept {
    ++(has_mac_in(entry.state) ? counts_.moved : counts_.resolved);
    entry.mac = mac;
}

Neighbours::Resolution Neighbours::resolve(const wire::IpAddress& address, Micros now) noexcept {
    std::uint32_t index = find(address);
    if (index == kNone) {
        index = create(address);
        append(index, kDue, now);
        return {NeighbourState::Incomplete, 0};
    }
    Entry& entry = entries_[index];
    entry.state = state_at(entry, now);
    if (entry.state == NeighbourState::Stale) {
        entry.state = NeighbourState::Delay;
        move_to(index, kDelayed, now + settings_.delay_time);
    } else if (entry.list == kKnown && now - entry.when >= kUseStep) {
        move_to(index, kKnown, now);
    }
    return {entry.state, entry.mac};
}

void Neighbours::confirm(const wire::IpAddress& address, Micros now) noexcept {
    const std::uint32_t index = find(address);
    if (index != kNone && has_mac_in(entries_[index].state))
        become_reachable(index, now);
}

bool Neighbours::learn_from_request(const wire::IpAddress& address, wire::MacAddress mac,
                                    Micros now) noexcept {
    if (!is_usable(mac)) {
        ++counts_.ignored;
        return false;
    }
    std::uint32_t index = find(address);
    if (index == kNone) {
        index = create(address);
        // The first to be evicted, until it is used: requests with invented senders replace each other.
        prepend(index, kKnown);
    } else if (has_mac_in(entries_[index].state) && entries_[index].mac == mac) {
        return false;
    }
    set_mac(entries_[index], mac);
    become_stale(index, now);
    return true;
}

bool Neighbours::learn_from_advertisement(const Advertisement& advertisement, Micros now) noexcept {
    const std::uint32_t index = find(advertisement.address);
    if (index == kNone || (advertisement.mac && !is_usable(*advertisement.mac))) {
        ++counts_.ignored;
        return false;
    }
    Entry& entry = entries_[index];
    entry.state = state_at(entry, now);
    const bool asking = entry.list == kAsking || entry.list == kProbing;
    const bool answered = advertisement.solicited && asking;
    if (!has_mac_in(entry.state)) {
        if (!advertisement.mac) {
            ++counts_.ignored;
            return false;
        }
        set_mac(entry, *advertisement.mac);
        if (answered)
            become_reachable(index, now);
        else
            become_stale(index, now);
        return true;
    }
    const bool differs = advertisement.mac && *advertisement.mac != entry.mac;
    if (differs && !advertisement.overrides) {
        ++counts_.ignored;
        if (entry.state == NeighbourState::Reachable)
            entry.state = NeighbourState::Stale;
        return false;
    }
    if (differs)
        set_mac(entry, *advertisement.mac);
    if (answered)
        become_reachable(index, now);
    else if (differs)
        become_stale(index, now);
    return differs;
}

std::uint32_t Neighbours::pop_held(Entry& entry) noexcept {
    const std::uint32_t slot = entry.oldest_held;
    entry.oldest_held = held_[slot].next;
    if (entry.oldest_held == kNone)
        entry.newest_held = kNone;
    --entry.held;
    return slot;
}

void Neighbours::drop_held(Entry& entry) noexcept {
    while (entry.held != 0) {
        const std::uint32_t slot = pop_held(entry);
        held_[slot].next = kNone;
        (newest_dropped_ == kNone ? oldest_dropped_ : held_[newest_dropped_].next) = slot;
        newest_dropped_ = slot;
        ++counts_.dropped;
    }
}

void* Neighbours::hold(const wire::IpAddress& address, void* frame) noexcept {
    const std::uint32_t index = find(address);
    const bool waits = index != kNone && entries_[index].state == NeighbourState::Incomplete;
    if (!waits || (free_held_ == kNone && entries_[index].held == 0)) {
        ++counts_.dropped;
        return frame;
    }
    Entry& entry = entries_[index];
    void* displaced = nullptr;
    std::uint32_t slot;
    if (entry.held == kMaxHeld || free_held_ == kNone) {
        slot = pop_held(entry);
        displaced = held_[slot].frame;
        ++counts_.dropped;
    } else {
        slot = free_held_;
        free_held_ = held_[slot].next;
    }
    held_[slot] = {frame, kNone};
    (entry.newest_held == kNone ? entry.oldest_held : held_[entry.newest_held].next) = slot;
    entry.newest_held = slot;
    ++entry.held;
    return displaced;
}

void* Neighbours::take_held(const wire::IpAddress& address) noexcept {
    const std::uint32_t index = find(address);
    if (index == kNone || entries_[index].held == 0 || !has_mac_in(entries_[index].state))
        return nullptr;
    const std::uint32_t slot = pop_held(entries_[index]);
    held_[slot].next = free_held_;
    free_held_ = slot;
    return held_[slot].frame;
}

void* Neighbours::take_dropped() noexcept {
    const std::uint32_t slot = oldest_dropped_;
    if (slot == kNone)
        return nullptr;
    oldest_dropped_ = held_[slot].next;
    if (oldest_dropped_ == kNone)
        newest_dropped_ = kNone;
    held_[slot].next = free_held_;
    free_held_ = slot;
    return held_[slot].frame;
}

void Neighbours::drop_all() noexcept {
    for (const List list : {kDue, kAsking, kDelayed, kProbing, kUnreachable, kKnown}) {
        while (lists_[list].size != 0)
            erase(lists_[list].first);
    }
}

Neighbours::Request Neighbours::ask_again(std::uint32_t index, List list, Micros now) noexcept {
    Entry& entry = entries_[index];
    ++entry.requests;
    ++counts_.requests;
    move_to(index, list, now + settings_.retransmit_time);
    return {entry.address, list == kProbing ? std::optional(entry.mac) : std::nullopt};
}

std::optional<Neighbours::Request> Neighbours::next_request(Micros now) noexcept {
    const auto is_over = [this, now](List list) {
        return lists_[list].size != 0 && entries_[lists_[list].first].when <= now;
    };
    while (is_over(kUnreachable))
        erase(lists_[kUnreachable].first);
    if (is_over(kDue))
        return ask_again(lists_[kDue].first, kAsking, now);
    while (is_over(kAsking)) {
        const std::uint32_t index = lists_[kAsking].first;
        if (entries_[index].requests < kMaxRequests)
            return ask_again(index, kAsking, now);
        entries_[index].state = NeighbourState::Unreachable;
        ++counts_.unreachable;
        drop_held(entries_[index]);
        move_to(index, kUnreachable, now + settings_.unreachable_time);
    }
    if (is_over(kDelayed)) {
        const std::uint32_t index = lists_[kDelayed].first;
        entries_[index].state = NeighbourState::Probe;
        entries_[index].requests = 0;
        return ask_again(index, kProbing, now);
    }
    while (is_over(kProbing)) {
        const std::uint32_t index = lists_[kProbing].first;
        if (entries_[index].requests < kMaxRequests)
            return ask_again(index, kProbing, now);
        // RFC 4861 7.3.3: forget it. The next packet asks everyone on the link, because the host may have
        // moved.
        ++counts_.unreachable;
        erase(index);
    }
    return std::nullopt;
}

Micros Neighbours::next_deadline() const noexcept {
    Micros next = kNever;
    for (const List list : {kDue, kAsking, kDelayed, kProbing, kUnreachable}) {
        if (lists_[list].size != 0)
            next = std::min(next, entries_[lists_[list].first].when);
    }
    return next;
}

std::optional<NeighbourState> Neighbours::state_of(const wire::IpAddress& address,
                                                   Micros now) const noexcept {
    const std::uint32_t index = find(address);
    return index == kNone ? std::nullopt : std::optional(state_at(entries_[index], now));
}

}  // namespace l2echo::net
