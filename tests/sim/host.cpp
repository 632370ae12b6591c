#include "host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "l2echo/tcp/timestamp_clock.hpp"

namespace l2echo::sim {

using tcp::Event;
using tcp::Micros;
using tcp::State;

namespace {

constexpr std::uint16_t kFirstClientPort = 10'000;
constexpr Micros kTick = tcp::TimerWheel::kTick;
constexpr Micros kSegmentLifetime = std::chrono::seconds(10);  // longer than any delay of a wire
constexpr std::uint32_t kTimeWaitEntries = 64;
constexpr std::int64_t kMaxSegmentsPerTurn = 100'000;  // more than any window holds

/// From the networks for documentation (RFC 5737, RFC 3849).
wire::IpAddress address_of(bool ipv6, Side side) {
    std::array<std::byte, 16> bytes{};
    if (ipv6) {
        bytes = {std::byte{0x20}, std::byte{0x01}, std::byte{0x0D}, std::byte{0xB8}};
        bytes[15] = static_cast<std::byte>(side + 1);
        return wire::IpAddress::from_ipv6(bytes.data());
    }
    bytes = {std::byte{198}, std::byte{51}, std::byte{100}, static_cast<std::byte>(side + 1)};
    return wire::IpAddress::from_ipv4(bytes.data());
}

/// Nothing may rely on memory that is clear. What is far from the start is hardly used.
ArenaMemory filled(std::size_t size) {
    ArenaMemory memory(static_cast<std::byte*>(::operator new(size, kArenaAlignment)));
    std::fill_n(memory.get(), std::min<std::size_t>(size, 1 << 17), std::byte{0xA5});
    return memory;
}

tcp::Settings settings_of(const Schedule& schedule, Side side) {
    tcp::Settings settings;
    settings.window_scaling = !schedule.flag(Key::NoScaling, side);
    settings.timestamps = !schedule.flag(Key::NoTimestamps, side);
    settings.sack = !schedule.flag(Key::NoSack, side);
    settings.congestion = schedule.at(Key::Algorithm, side) == 0 ? tcp::CongestionAlgorithm::NewReno
                                                                 : tcp::CongestionAlgorithm::Cubic;
    settings.hystart = !schedule.flag(Key::NoHystart);
    settings.tail_loss_probe = !schedule.flag(Key::NoProbe);
    settings.initial_window_segments = static_cast<std::uint16_t>(schedule.at(Key::InitialWindow));
    settings.max_mss = static_cast<std::uint16_t>(schedule.at(Key::MaxMss, side));
    settings.max_segments_in_flight = static_cast<std::uint32_t>(schedule.at(Key::Records));
    settings.min_rto = Micros(schedule.at(Key::MinRto));
    settings.ack_delay = Micros(schedule.at(Key::AckDelay, side));
    settings.max_receive_buffer = std::uint32_t{1} << schedule.at(Key::ReceiveBuffer, side);
    settings.max_send_buffer = std::uint32_t{1} << schedule.at(Key::SendBuffer, side);
    settings.min_buffer =
        std::min({settings.min_buffer, settings.max_receive_buffer, settings.max_send_buffer});
    settings.time_wait = Micros(schedule.at(Key::TimeWait));
    settings.keepalive_idle = std::chrono::seconds(20);
    settings.keepalive_interval = std::chrono::seconds(30);
    settings.max_half_open = static_cast<std::uint32_t>(schedule.at(Key::HalfOpen));
    settings.max_accept_queue = 4;
    return settings;
}

}  // namespace

Host::Host(World& world, Side side)
    : world_(world),
      side_(side),
      settings_(settings_of(world.schedule, side)),
      memory_(filled(std::size_t{1} << world.schedule.at(Key::Arena, side))),
      arena_({memory_.get(), std::size_t{1} << world.schedule.at(Key::Arena, side)}),
      free_at_first_(arena_.free_bytes()),
      wheel_(world.start) {
    if (world_.schedule.flag(Key::TimeWaitEntries) && side_ == Server) {
        time_wait_memory_.resize(tcp::TimeWaitTable::memory_for(kTimeWaitEntries) + 64);
        void* aligned = time_wait_memory_.data();
        std::size_t space = time_wait_memory_.size();
        std::align(64, tcp::TimeWaitTable::memory_for(kTimeWaitEntries), aligned, space);
        time_wait_.emplace(std::span(static_cast<std::byte*>(aligned), space), settings_.time_wait,
                           hash::SipKey{3, 4});
    }
    if (side_ == Server && !world_.schedule.flag(Key::SimultaneousOpen))
        listener_.emplace(settings_, arena_, static_cast<std::uint16_t>(world_.schedule.at(Key::Mtu)),
                          hash::SipKey{1, 2});
}

tcp::Tuple Host::tuple_of(std::uint32_t number) const {
    const Schedule& schedule = world_.schedule;
    const auto client_port =
        static_cast<std::uint16_t>(kFirstClientPort + (schedule.flag(Key::ReuseTuple) ? 0 : number));
    const auto server_port =
        schedule.flag(Key::SimultaneousOpen) ? static_cast<std::uint16_t>(client_port + 1'000) : kServerPort;
    return {.local = address_of(schedule.flag(Key::Ipv6), side_),
            .remote = address_of(schedule.flag(Key::Ipv6), other(side_)),
            .local_port = side_ == Client ? client_port : server_port,
            .remote_port = side_ == Client ? server_port : client_port};
}

std::optional<std::uint32_t> Host::number_of(const tcp::Tuple& tuple) const {
    for (std::uint32_t number = world_.opened; number-- > 0;)
        if (tuple_of(number) == tuple)
            return number;
    return {};
}

Host::Endpoint* Host::find(const tcp::Tuple& tuple) noexcept {
    // The memory of one that ended waits for its application; its tuple is free.
    const auto found = std::ranges::find_if(endpoints_, [&](const auto& endpoint) {
        return endpoint->connection->tuple() == tuple && endpoint->connection->state() != State::Closed;
    });
    return found == endpoints_.end() ? nullptr : found->get();
}

Host::Endpoint* Host::find(std::uint32_t number) noexcept {
    const auto found = std::ranges::find_if(
        endpoints_, [number](const auto& endpoint) { return endpoint->number == number; });
    return found == endpoints_.end() ? nullptr : found->get();
}

const tcp::Connection* Host::connection(std::uint32_t number) const noexcept {
    const auto found = std::ranges::find_if(
        endpoints_, [number](const auto& endpoint) { return endpoint->number == number; });
    return found == endpoints_.end() ? nullptr : &*(*found)->connection;
}

Outcome& Host::outcome_of(std::uint32_t number) noexcept {
    return world_.connections[number].sides[side_];
}

Outcome& Host::outcome(const Endpoint& endpoint) noexcept {
    return world_.connections[endpoint.number].sides[side_];
}

Host::Endpoint& Host::add(std::uint32_t number, Micros now) {
    endpoints_.push_back(std::make_unique<Endpoint>(world_.schedule, side_, number));
    Endpoint& endpoint = *endpoints_.back();
    endpoint.last_arrival = endpoint.last_progress = now;
    outcome(endpoint).existed = true;
    outcome(endpoint).expected = endpoint.application.expected();
    return endpoint;
}

void Host::open(std::uint32_t number, Micros now) {
    const Schedule& schedule = world_.schedule;
    Random random(static_cast<std::uint64_t>(schedule.at(Key::Seed)),
                  300U + 2U * (schedule.flag(Key::ReuseTuple) ? 0 : number) + side_);
    // Each schedule has its own clock of initial numbers, so that later connections of a tuple have later
    // ones.
    auto initial = static_cast<std::uint32_t>(random.next());
    auto offset = static_cast<std::uint32_t>(random.next());
    if (schedule.flag(Key::SequenceNearWrap))
        initial = static_cast<std::uint32_t>(-1 - random.below(random.one_in(2) ? 5 : 50'000));
    if (schedule.flag(Key::TimestampNearWrap))
        offset = static_cast<std::uint32_t>(-random.between(0, 5'000)) -
                 static_cast<std::uint32_t>(world_.start / kTick);
    initial += static_cast<std::uint32_t>((now - world_.start).count() / 4);
    Endpoint& endpoint = add(number, now);
    endpoint.connection.emplace(settings_, arena_, tuple_of(number),
                                static_cast<std::uint16_t>(schedule.at(Key::Mtu)),
                                tcp::ActiveOpen{tcp::Sequence(initial), tcp::TimestampClock(offset)}, now);
    serve(endpoint, now);
    arm(now);
}

void Host::receive(const Packet& packet, Micros now) {
    if (packet.is_error) {
        if (Endpoint* endpoint = find(packet.quoted); endpoint != nullptr) {
            note(*endpoint, endpoint->connection->on_icmp(packet.error, now), now);
            serve(*endpoint, now);
        }
    } else if (const auto segment = read_packet(packet.bytes);
               segment && segment->tuple.local == tuple_of(0).local) {
        trace("gets", segment->tuple, segment->header, segment->payload.size(), now);
        if (Endpoint* endpoint = find(segment->tuple); endpoint != nullptr) {
            Witness& witness = world_.connections[endpoint->number].witness;
            // A segment from before the window, such as a keepalive probe, brings no ACK (RFC 9293 3.10.7.4).
            if (segment->header.flags.syn ||
                tcp::Sequence(segment->header.sequence) >= witness.next_expected(side_))
                endpoint->last_arrival = now;
            witness.on_delivery(side_, segment->header, segment->payload.size());
            note(*endpoint, endpoint->connection->receive(segment->header, segment->payload, now), now);
            serve(*endpoint, now);
        } else {
            receive_unknown(segment->tuple, segment->header, segment->payload, now);
        }
    }
    arm(now);
}

void Host::receive_forged(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                          std::span<const std::byte> payload, Micros now) {
    if (Endpoint* endpoint = find(tuple); endpoint != nullptr) {
        note(*endpoint, endpoint->connection->receive(header, payload, now), now);
        serve(*endpoint, now);
    } else {
        receive_unknown(tuple, header, payload, now);
    }
    arm(now);
}

void Host::receive_unknown(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                           std::span<const std::byte> payload, Micros now) {
    std::optional<tcp::Sequence> after;
    if (time_wait_) {
        const tcp::TimeWaitAnswer answer = time_wait_->receive(tuple, header, payload.size(), now);
        if (answer.action == tcp::TimeWaitAction::Ignore)
            return;
        if (answer.action == tcp::TimeWaitAction::Acknowledge) {
            send_for_nobody(tuple, tcp::acknowledge(answer.state, tuple, now), now);
            return;
        }
        if (answer.action == tcp::TimeWaitAction::Reopen)
            after = answer.state.next;
    }
    if (!listener_ || tuple.local_port != kServerPort) {
        if (const auto reset = tcp::reset_for(header, payload.size()); reset)
            send_for_nobody(tuple, *reset, now);
        return;
    }
    if (const auto number = number_of(tuple); number)
        world_.connections[*number].witness.on_delivery(side_, header, payload.size());
    const tcp::Listener::Result result = listener_->receive(tuple, header, payload.size(), now, after);
    if (result.reply)
        send_for_listener(tuple, *result.reply, now);
    if (result.open)
        accept(tuple, *result.open, header, payload, now);
}

void Host::accept(const tcp::Tuple& tuple, const tcp::Handshake& handshake, const wire::TcpHeader& header,
                  std::span<const std::byte> payload, Micros now) {
    const auto number = number_of(tuple);
    if (!number) {
        world_.fail("the listener opened a connection to a host that does not exist");
        return;
    }
    if (outcome_of(*number).existed) {
        // A cookie is valid for a minute: a duplicate of the handshake's ACK opens a connection that has
        // ended again. Nobody answers there, as if the application had not accepted it yet.
        if (listener_->info().cookies_accepted == 0)
            world_.fail("the listener opened a connection twice");
        return;
    }
    Endpoint& endpoint = add(*number, now);
    world_.connections[*number].witness.on_open(handshake.initial_send);
    endpoint.connection.emplace(settings_, arena_, tuple,
                                static_cast<std::uint16_t>(world_.schedule.at(Key::Mtu)), handshake, now);
    if (!listener_->queue(*endpoint.connection) || listener_->accept() != &*endpoint.connection)
        world_.fail("accept() did not return the connection that was queued");
    note(endpoint, endpoint.connection->receive(header, payload, now), now);
    serve(endpoint, now);
}

void Host::note(Endpoint& endpoint, tcp::Events events, Micros now) {
    Outcome& result = outcome(endpoint);
    if (result.ended)
        world_.fail("an event after the end");
    result.events |= events;
    if (events.has(Event::Connected) && !endpoint.is_started) {
        endpoint.is_started = true;
        endpoint.application.start(*endpoint.connection, now);
    }
}

void Host::act(std::uint32_t number, Micros now) {
    if (Endpoint* endpoint = find(number);
        endpoint != nullptr && endpoint->acts_at && *endpoint->acts_at <= now) {
        endpoint->acts_at.reset();
        serve(*endpoint, now);
        arm(now);
    }
}

void Host::serve(Endpoint& endpoint, Micros now) {
    tcp::Connection& connection = *endpoint.connection;
    // What arrived before both ends closed can be read afterwards.
    if (endpoint.is_started && (connection.state() != State::Closed || connection.readable() > 0)) {
        const std::int64_t before = endpoint.application.received();
        const auto next = endpoint.application.act(connection, now);
        if (endpoint.application.received() != before)
            outcome(endpoint).last_read_at = now;
        if (next && (!endpoint.acts_at || *next < *endpoint.acts_at)) {
            endpoint.acts_at = next;
            world_.queue.add(*next, EventKind::Application, side_, endpoint.number);
        }
        outcome(endpoint).paused_until = endpoint.application.reads_next();
        if (endpoint.application.fault() != nullptr)
            world_.fail(endpoint.application.fault());
    }
    send_all(endpoint, now);
    check(endpoint, now);
    if (connection.state() == State::Closed) {
        wheel_.disarm(endpoint.node);
        // An application that has left reads no more.
        if (connection.readable() == 0 || endpoint.application.has_left())
            finish(endpoint, now);
        return;
    }
    if (connection.state() == State::TimeWait && time_wait_ && endpoint.application.has_left()) {
        time_wait_->insert(connection.tuple(), connection.time_wait_state(), now);
        finish(endpoint, now);
        return;
    }
    if (const auto deadline = connection.deadline(); deadline)
        wheel_.arm(endpoint.node, *deadline);
    else
        wheel_.disarm(endpoint.node);
}

void Host::send_all(Endpoint& endpoint, Micros now) {
    std::int64_t sent = 0;
    while (const auto segment = endpoint.connection->next_segment(now)) {
        if (++sent > kMaxSegmentsPerTurn) {
            world_.fail("next_segment() does not end");
            return;
        }
        Witness& witness = world_.connections[endpoint.number].witness;
        if (segment->payload_length() > 0) {
            const std::int64_t position = witness.position(side_, segment->header.sequence);
            const Stream& stream = endpoint.application.sent_stream();
            if (!stream.matches(position, segment->first) ||
                !stream.matches(position + static_cast<std::int64_t>(segment->first.size()), segment->second))
                world_.fail("a segment carries wrong bytes");
            check_flight(endpoint, witness.is_new(side_, segment->header, segment->payload_length()));
        }
        watch(endpoint.number, endpoint.connection->tuple(), *segment, now);
        world_.wires[side_].send(endpoint.connection->tuple(), *segment, now);
    }
}

/// New bytes are sent only while the flight is within the window.
void Host::check_flight(Endpoint& endpoint, bool sends_new) {
    const tcp::Info info = endpoint.connection->info();
    // A tail loss probe ignores the window (RFC 8985 7.3).
    const bool is_probe = info.probes != endpoint.probes;
    endpoint.probes = info.probes;
    // Beyond the window are an earlier probe and the two segments of limited transmit (RFC 3042).
    const std::uint32_t slack = 3 * info.send_mss;
    // In recovery, the flight shrinks to the new window from that of before.
    if (!info.in_recovery)
        endpoint.max_flight = info.congestion_window + slack;
    const std::uint32_t max_flight = std::max({endpoint.max_flight, info.congestion_window + slack,
                                               info.in_recovery ? info.slow_start_threshold + slack : 0});
    if (sends_new && !is_probe && info.flight > max_flight)
        world_.fail(fmt::format(
            "{} bytes in flight exceed the congestion window of {}{}", info.flight, info.congestion_window,
            info.in_recovery ? fmt::format(", threshold {}", info.slow_start_threshold) : ""));
}

/// Answers to segments of no connection: the witness of a later connection of the tuple must not judge them.
void Host::send_for_nobody(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, Micros now) {
    if (number_of(tuple))
        world_.wires[side_].send(tuple, segment, now);
}

void Host::trace(const char* what, const tcp::Tuple& tuple, const wire::TcpHeader& header,
                 std::size_t payload, Micros now) const {
    if (world_.trace == nullptr)
        return;
    const wire::TcpFlags flags = header.flags;
    std::string line =
        fmt::format("{:>12.6f} {} {:5} {}>{} {}{}{}{}{} {}+{} ack {} win {}",
                    static_cast<double>((now - world_.start).count()) / 1e6,
                    side_ == Client ? "client" : "server", what, tuple.local_port, tuple.remote_port,
                    flags.syn ? "S" : "", flags.fin ? "F" : "", flags.rst ? "R" : "", flags.psh ? "P" : "",
                    flags.ack ? "." : "", header.sequence, payload, header.acknowledgment, header.window);
    for (std::size_t i = 0; i < header.options.sack_blocks; ++i)
        line += fmt::format(" sack {}-{}", header.options.sack[i].left, header.options.sack[i].right);
    if (header.options.timestamps)
        line += fmt::format(" ts {} {}", header.options.timestamps->value, header.options.timestamps->echo);
    fmt::print(world_.trace, "{}\n", line);
}

void Host::watch(std::uint32_t number, const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment,
                 Micros now) {
    trace("sends", tuple, segment.header, segment.payload_length(), now);
    if (const char* wrong =
            world_.connections[number].witness.on_send(side_, segment.header, segment.payload_length());
        wrong != nullptr)
        world_.fail(fmt::format("the {} sent {}", side_ == Client ? "client" : "server", wrong));
}

void Host::send_for_listener(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, Micros now) {
    const auto number = number_of(tuple);
    if (!number)
        return;  // the host does not exist
    // Its other segments answer those of older connections.
    if (!outcome_of(*number).existed && segment.header.flags.syn &&
        world_.connections[*number].witness.next_expected(side_).value() == segment.header.acknowledgment)
        watch(*number, tuple, segment, now);
    world_.wires[side_].send(tuple, segment, now);
}

void Host::check(Endpoint& endpoint, Micros now) {
    const tcp::Connection& connection = *endpoint.connection;
    const tcp::Info info = connection.info();
    // It walks all records, so a long queue of them is checked less often.
    const bool is_long = info.send_mss > 0 && info.unacknowledged / info.send_mss > 64;
    if (!is_long || ++endpoint.checks % 16 == 0)
        if (const char* broken = connection.broken_invariant(); broken != nullptr)
            world_.fail(fmt::format("invariant: {}", broken));
    if (connection.state() == State::Closed)
        return;
    const State state = connection.state();
    const Micros paused_until = world_.connections[endpoint.number].sides[other(side_)].paused_until;
    const bool waits = info.unacknowledged > 0 || info.unsent > 0 || state == State::SynSent ||
                       state == State::SynReceived || state == State::FinWait1 || state == State::Closing ||
                       state == State::LastAck || state == State::TimeWait;
    if (waits && !connection.deadline())
        world_.fail("a connection that waits for the peer has no timer");
    const bool began_to_wait = waits && !endpoint.waits;
    endpoint.waits = waits;
    if (!waits || began_to_wait || state == State::TimeWait ||
        info.bytes_acknowledged != endpoint.acknowledged || state != endpoint.state ||
        now < world_.calm_from || now <= paused_until) {
        endpoint.acknowledged = info.bytes_acknowledged;
        endpoint.state = state;
        endpoint.last_progress = now;
        return;
    }
    const Micros stall = now - std::max({endpoint.last_progress, paused_until, world_.calm_from});
    if (stall > world_.max_stall)
        world_.fail(fmt::format("no progress for {} s", stall.count() / 1'000'000));
}

void Host::finish(Endpoint& endpoint, Micros now) {
    Outcome& result = outcome(endpoint);
    result.ended = true;
    result.info = endpoint.connection->info();
    result.received = endpoint.application.received();
    if (world_.schedule.at(Key::Service) == Echo && side_ == Server)
        result.received = static_cast<std::int64_t>(result.info.bytes_received);
    result.has_left = endpoint.application.has_left();
    result.was_silent_long = now - endpoint.last_arrival >= kMinR2;
    wheel_.disarm(endpoint.node);
    if (listener_)
        listener_->remove(*endpoint.connection);
    const std::uint32_t number = endpoint.number;
    std::erase_if(endpoints_, [&](const auto& candidate) { return candidate.get() == &endpoint; });
    if (side_ == Client && world_.schedule.flag(Key::ReuseTuple) && number + 1 < world_.connections.size()) {
        // Without TIME-WAIT, nothing keeps old segments from the next connection but that the wire has
        // delivered them.
        const Micros quiet = world_.schedule.at(Key::Ending) < ClientCloses ? Micros(0) : kSegmentLifetime;
        world_.queue.add(now + quiet + Micros(world_.schedule.at(Key::Spacing)), EventKind::Open, Client,
                         number + 1);
    }
}

void Host::advance(Micros now) {
    if (timer_at_ && *timer_at_ <= now)
        timer_at_.reset();
    due_.clear();
    wheel_.advance(now, [this](tcp::TimerNode& node) {
        for (const auto& endpoint : endpoints_)
            if (&endpoint->node == &node)
                due_.push_back(endpoint->number);
    });
    for (const std::uint32_t number : due_) {
        Endpoint* endpoint = find(number);
        if (endpoint == nullptr)
            continue;
        note(*endpoint, endpoint->connection->expire(now), now);
        serve(*endpoint, now);
    }
    if (listener_)
        while (const auto addressed = listener_->next_segment(now))
            send_for_listener(addressed->tuple, addressed->segment, now);
    if (time_wait_)
        time_wait_->expire(now);
    arm(now);
}

void Host::arm(Micros now) {
    std::optional<Micros> earliest;
    const auto consider = [&](std::optional<Micros> at) {
        if (at && (!earliest || *at < *earliest))
            earliest = at;
    };
    for (const auto& endpoint : endpoints_)
        consider(endpoint->connection->deadline());
    if (listener_)
        consider(listener_->deadline());
    if (time_wait_)
        consider(time_wait_->deadline(now));
    if (!earliest)
        return;
    // The wheel acts at ticks.
    const Micros at = std::max((*earliest + kTick - Micros(1)) / kTick * kTick, (now / kTick + 1) * kTick);
    if (!timer_at_ || at < *timer_at_) {
        timer_at_ = at;
        world_.queue.add(at, EventKind::Timer, side_, 0);
    }
}

std::size_t Host::sweep(Micros now) {
    std::vector<std::uint32_t> numbers;
    for (const auto& endpoint : endpoints_)
        numbers.push_back(endpoint->number);
    for (const std::uint32_t number : numbers) {
        Endpoint& endpoint = *find(number);
        outcome(endpoint).was_swept = true;
        endpoint.connection->abort();
        serve(endpoint, now);
    }
    return numbers.size();
}

const char* Host::remains() {
    if (!endpoints_.empty())
        return "a connection never ended";
    if (listener_ && listener_->broken_invariant() != nullptr)
        return listener_->broken_invariant();
    if (listener_ && listener_->info().half_open > 0)
        return "a half-open connection never ended";
    if (time_wait_ && time_wait_->size() > 0)
        return "an entry in TIME-WAIT never ended";
    if (!wheel_.empty())
        return "a timer is left";
    listener_.reset();
    if (arena_.free_bytes() != free_at_first_)
        return "the arena is not full again";
    if (arena_.wrong_releases() > 0)
        return "a block was returned to the arena twice";
    return nullptr;
}

}  // namespace l2echo::sim
