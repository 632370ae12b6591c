#include "l2echo/stack/tcp_layer.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "l2echo/tcp/initial_sequence.hpp"

namespace l2echo::stack {
namespace {

bool is_over(tcp::State state) noexcept {
    return state == tcp::State::Closed || state == tcp::State::TimeWait;
}

}  // namespace

std::optional<stream::StreamId> TcpLayer::connect(const tcp::Tuple& tuple, stream::Service& service,
                                                  tcp::Micros now) noexcept {
    const TupleKey key = key_of(tuple);
    if (table_.find(key) != kNone || time_wait_->contains(tuple))
        return std::nullopt;
    const auto number = take_slot(key, service, false);
    if (!number)
        return std::nullopt;
    Slot& slot = slots_[*number];
    new (slot.memory) tcp::Connection(
        settings_.tcp, arena_, tuple, settings_.mtu,
        tcp::ActiveOpen{tcp::initial_sequence(key_, tuple, now), tcp::timestamp_clock(key_, tuple)}, now);
    slot.is_open = true;
    ++counts_.connected;
    make_dirty(*number);
    return stream::StreamId{*number, slot.generation};
}

TcpLayer::Lookup TcpLayer::find(std::span<const IncomingSegment> segments) noexcept {
    Lookup lookup;
    std::array<const TupleKey*, ConnectionTable::kMaxBurst> keys;
    for (std::size_t i = 0; i < segments.size(); ++i) {
        lookup.keys[i] = key_of(segments[i].tuple);
        keys[i] = &lookup.keys[i];
    }
    table_.find(std::span(keys).first(segments.size()), lookup.numbers);
    opened_in_burst_ = false;
    return lookup;
}

TcpLayer::Listening* TcpLayer::listening_at(const tcp::Tuple& tuple) noexcept {
    Listening* any = nullptr;
    for (const auto& listening : listeners_) {
        if (listening->local.port != tuple.local_port)
            continue;
        if (listening->local.address == tuple.local)
            return listening.get();
        if (listening->local.address.version == 0)
            any = listening.get();
    }
    return any;
}

TcpLayer::Answer TcpLayer::receive_unknown(const IncomingSegment& segment, const TupleKey& key,
                                           tcp::Micros now) noexcept {
    const tcp::Tuple& tuple = segment.tuple;
    const tcp::TimeWaitAnswer waiting =
        time_wait_->receive(tuple, segment.header, segment.payload.size(), now);
    if (waiting.action == tcp::TimeWaitAction::Ignore)
        return {TcpOutcome::Delivered, std::nullopt};
    if (waiting.action == tcp::TimeWaitAction::Acknowledge)
        return {TcpOutcome::Delivered, tcp::acknowledge(waiting.state, tuple, now)};
    Listening* const listening = listening_at(tuple);
    if (listening == nullptr)
        return refuse(segment, now);
    // The listener forgets a handshake that it completes, so there must be a place for it.
    if (first_free_ == kNone) {
        ++counts_.too_many_connections;
        return {TcpOutcome::TooManyConnections, std::nullopt};
    }
    const auto after = waiting.action == tcp::TimeWaitAction::Reopen ? std::optional(waiting.state.next)
                                                                     : std::optional<tcp::Sequence>();
    const tcp::Listener::Result result =
        listening->listener.receive(tuple, segment.header, segment.payload.size(), now, after);
    if (!result.open)
        return {TcpOutcome::Delivered, result.reply};
    const auto number = take_slot(key, *listening->service, true);
    if (!number) {
        ++counts_.too_many_connections;
        return {TcpOutcome::TooManyConnections, std::nullopt};
    }
    Slot& slot = slots_[*number];
    new (slot.memory) tcp::Connection(settings_.tcp, arena_, tuple, settings_.mtu, *result.open, now);
    ++counts_.accepted;
    opened_in_burst_ = true;
    note(*number, slot.connection().receive(segment.header, segment.payload, now));
    return {TcpOutcome::Delivered, result.reply};
}

TcpLayer::Answer TcpLayer::refuse(const IncomingSegment& segment, tcp::Micros now) noexcept {
    std::optional<tcp::OutgoingSegment> reset = tcp::reset_for(segment.header, segment.payload.size());
    if (reset && !resets_.take(now)) {
        ++counts_.resets_limited;
        reset.reset();
    }
    counts_.resets_sent += reset ? 1 : 0;
    return {TcpOutcome::NoListener, reset};
}

/// A place for a connection that the caller constructs.
std::optional<std::uint32_t> TcpLayer::take_slot(const TupleKey& key, stream::Service& service,
                                                 bool is_passive) noexcept {
    const std::uint32_t number = first_free_;
    if (number == kNone || !table_.insert(key, number))
        return std::nullopt;
    Slot& slot = slots_[number];
    first_free_ = slot.next_free;
    slot.service = &service;
    slot.events = {};
    slot.is_used = true;
    slot.is_passive = is_passive;
    slot.is_open = slot.has_left = slot.has_ended = false;
    ++counts_.connections;
    return number;
}

void TcpLayer::on_icmp(const tcp::Tuple& tuple, const tcp::IcmpError& error, tcp::Micros now) noexcept {
    if (const std::uint32_t number = table_.find(key_of(tuple)); number != kNone)
        note(number, slots_[number].connection().on_icmp(error, now));
}

void TcpLayer::note(std::uint32_t number, tcp::Events events) noexcept {
    Slot& slot = slots_[number];
    const auto translate = [&](tcp::Event from, stream::Event to) {
        if (events.has(from))
            slot.events |= to;
    };
    translate(tcp::Event::Connected, slot.is_passive ? stream::Event::Accepted : stream::Event::Connected);
    translate(tcp::Event::Readable, stream::Event::Readable);
    translate(tcp::Event::Writable, stream::Event::Writable);
    translate(tcp::Event::PeerClosed, stream::Event::PeerClosed);
    make_ready(number);
}

void TcpLayer::expire(tcp::Micros now) noexcept {
    wheel_.advance(now, [&](tcp::TimerNode& node) {
        // The node is a member of a slot.
        const auto* const at = reinterpret_cast<const std::byte*>(&node);
        const auto number = static_cast<std::uint32_t>(
            (at - reinterpret_cast<const std::byte*>(slots_.get())) / sizeof(Slot));
        note(number, slots_[number].connection().expire(now));
    });
    (void)time_wait_->expire(now);
}

std::optional<tcp::Micros> TcpLayer::deadline(tcp::Micros now) const noexcept {
    std::optional<tcp::Micros> earliest = wheel_.next();
    const auto consider = [&](std::optional<tcp::Micros> other) {
        if (other && (!earliest || *other < *earliest))
            earliest = other;
    };
    consider(time_wait_->deadline(now));
    for (const auto& listening : listeners_)
        consider(listening->listener.deadline());
    return earliest;
}

void TcpLayer::run_services(stream::Streams& streams, tcp::Micros now) noexcept {
    for (std::uint32_t i = 0; i < ready_count_; ++i) {
        const std::uint32_t number = ready_[i];
        Slot& slot = slots_[number];
        slot.is_ready = false;
        make_dirty(number);
        tcp::Connection& connection = slot.connection();
        stream::Events events = std::exchange(slot.events, {});
        // What arrived before the end can still be read.
        if (is_over(connection.state()) && connection.readable() == 0)
            events |= stream::Event::Ended;
        slot.is_open = slot.is_open || events.has(stream::Event::Accepted);
        const bool is_told = slot.is_open && !slot.has_left && !slot.has_ended;
        slot.has_ended = slot.has_ended || events.has(stream::Event::Ended);
        if (is_told && events.any())
            slot.service->on_events(streams, {number, slot.generation}, events, now);
    }
    ready_count_ = 0;
}

tcp::Connection* TcpLayer::find(stream::StreamId id) noexcept {
    if (id.index >= settings_.max_connections)
        return nullptr;
    Slot& slot = slots_[id.index];
    return slot.is_used && slot.generation == id.generation && !slot.has_left ? &slot.connection() : nullptr;
}

const tcp::Connection* TcpLayer::find(stream::StreamId id) const noexcept {
    return const_cast<TcpLayer*>(this)->find(id);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

void TcpLayer::close(stream::StreamId id, tcp::Micros now) noexcept {
    if (tcp::Connection* const connection = find(id); connection != nullptr) {
        connection->close(now);
        slots_[id.index].has_left = true;
        make_dirty(id.index);
    }
}

void TcpLayer::reset(stream::StreamId id) noexcept {
    if (tcp::Connection* const connection = find(id); connection != nullptr) {
        connection->abort();
        slots_[id.index].has_left = true;
        make_dirty(id.index);
    }
}

void TcpLayer::make_ready(std::uint32_t number) noexcept {
    Slot& slot = slots_[number];
    if (slot.is_ready)
        return;
    slot.is_ready = true;
    ready_[ready_count_++] = number;
}

void TcpLayer::make_dirty(std::uint32_t number) noexcept {
    Slot& slot = slots_[number];
    if (slot.is_dirty)
        return;
    slot.is_dirty = true;
    std::uint32_t place = dirty_head_ + dirty_count_++;
    if (place >= settings_.max_connections)
        place -= settings_.max_connections;
    dirty_[place] = number;
}

std::uint32_t TcpLayer::take_dirty() noexcept {
    const std::uint32_t number = dirty_[dirty_head_];
    dirty_head_ = dirty_head_ + 1 < settings_.max_connections ? dirty_head_ + 1 : 0;
    --dirty_count_;
    slots_[number].is_dirty = false;
    return number;
}

/// Nothing of the connection is left to send: waits for its next deadline, or lets it go.
void TcpLayer::settle(std::uint32_t number, tcp::Micros now) noexcept {
    Slot& slot = slots_[number];
    tcp::Connection& connection = slot.connection();
    const tcp::State state = connection.state();
    const bool is_forgotten = slot.has_left || slot.has_ended || !slot.is_open;
    if (!slot.is_ready && is_forgotten && state == tcp::State::Closed) {
        release(number);
        return;
    }
    if (!slot.is_ready && is_forgotten && state == tcp::State::TimeWait) {
        time_wait_->insert(connection.tuple(), connection.time_wait_state(), now);
        release(number);
        return;
    }
    if (const auto deadline = connection.deadline())
        wheel_.arm(slot.timer, *deadline);
    else
        wheel_.disarm(slot.timer);
    // The service read the last byte: nothing else will say that the stream is over.
    if (is_over(state) && connection.readable() == 0 && !is_forgotten)
        make_ready(number);
}

void TcpLayer::release(std::uint32_t number) noexcept {
    Slot& slot = slots_[number];
    wheel_.disarm(slot.timer);
    table_.erase(key_of(slot.connection().tuple()));
    slot.connection().~Connection();
    slot.is_used = false;
    ++slot.generation;
    slot.next_free = first_free_;
    first_free_ = number;
    --counts_.connections;
}

TcpLayerCounts TcpLayer::counts() const noexcept {
    TcpLayerCounts counts = counts_;
    counts.time_wait = time_wait_->size();
    counts.time_wait_evicted = time_wait_->evicted();
    return counts;
}

const char* TcpLayer::broken_invariant() const noexcept {
    std::uint32_t used = 0;
    for (const Slot& slot : slots()) {
        if (!slot.is_used)
            continue;
        ++used;
        if (const char* broken = slot.connection().broken_invariant(); broken != nullptr)
            return broken;
        if (table_.find(key_of(slot.connection().tuple())) !=
            static_cast<std::uint32_t>(&slot - slots_.get()))
            return "a connection is found by its tuple";
    }
    if (used != counts_.connections || table_.size() != used)
        return "each connection is counted and in the table";
    std::uint32_t free = 0;
    for (std::uint32_t number = first_free_; number != kNone; number = slots_[number].next_free)
        if (++free > settings_.max_connections)
            return "the free places end";
    return used + free == settings_.max_connections ? nullptr : "a place is either free or in use";
}

}  // namespace l2echo::stack
