#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "host.hpp"
#include "world.hpp"

namespace l2echo::sim {

using tcp::Event;
using tcp::Micros;
using namespace std::chrono_literals;

namespace {

enum Stray : std::uint32_t { kFlood, kForged, kSoftError };

constexpr std::uint64_t kMaxEvents = 20'000'000;

class Simulation {
  public:
    Simulation(const Schedule& schedule, std::FILE* trace)
        : schedule_(schedule),
          world_(schedule, trace),
          hosts_{std::make_unique<Host>(world_, Client), std::make_unique<Host>(world_, Server)},
          strays_(static_cast<std::uint64_t>(schedule.at(Key::Seed)), 400) {
        const auto connections = static_cast<std::size_t>(schedule.at(Key::Connections));
        world_.connections.assign(connections, ConnectionRecord{Witness(schedule.flag(Key::Ipv6)), {}, {}});
        world_.calm_from = world_.start + calm_after();
        world_.max_stall = max_stall();
        end_ = world_.calm_from + max_duration();
        add_openings();
        add_strays();
    }

    SimulationResult run() {
        Micros now = world_.start;
        while (world_.finding.empty()) {
            if (world_.queue.empty() && !sweep(now))
                break;
            if (world_.queue.empty())
                continue;
            const QueuedEvent event = world_.queue.take();
            now = event.at;
            act(event);
            ++result_.events;
            if (now > end_)
                world_.fail(
                    fmt::format("the connections did not end within {} s", (end_ - world_.start) / 1s));
            if (result_.events > kMaxEvents)
                world_.fail("the hosts send endlessly");
        }
        if (world_.finding.empty())
            check_outcomes();
        result_.cookies = hosts_[Server]->listener_info().cookies_accepted;
        for (const Side side : {Client, Server})
            if (world_.finding.empty())
                if (const char* left = hosts_[side]->remains(); left != nullptr)
                    world_.fail(left);
        result_.duration = (now - world_.start).count();
        add_up();
        return std::move(result_);
    }

  private:
    bool loses() const {
        for (const Side side : {Client, Server})
            for (const Key key : {Key::Loss, Key::BurstStart, Key::Corrupt, Key::HoldAcks, Key::Reorder})
                if (schedule_.flag(key, side))
                    return true;
        // A queue that is full loses, and so does a host without memory.
        return schedule_.flag(Key::Rate) || schedule_.flag(Key::RateBack) ||
               schedule_.flag(Key::BlackholeFor) || schedule_.flag(Key::ShrinkFor) ||
               schedule_.flag(Key::MtuChangeFor) || schedule_.flag(Key::Forged) ||
               schedule_.flag(Key::Flood) || schedule_.at(Key::Arena) < 25 ||
               schedule_.at(Key::ArenaBack) < 25 || schedule_.flag(Key::StallFor);
    }
    /// When the last outage is over.
    Micros calm_after() const {
        std::int64_t after = schedule_.at(Key::HealAt);
        for (const auto& [at, length] :
             {std::pair{Key::BlackholeAt, Key::BlackholeFor}, std::pair{Key::ShrinkAt, Key::ShrinkFor},
              std::pair{Key::MtuChangeAt, Key::MtuChangeFor}})
            if (schedule_.flag(length))
                after = std::max(after, schedule_.at(at) + schedule_.at(length));
        return Micros(after);
    }
    /// How long a connection may wait for an acknowledgment once the last outage is over.
    Micros max_stall() const {
        // A SYN that meets a connection in TIME-WAIT waits for its end. While cookies are in use, what may be
        // the second segment of a new connection is not answered by a RST, nor is a FIN of one that has
        // ended.
        Micros bound = schedule_.at(Key::HalfOpen) < 16 || schedule_.flag(Key::Flood) ? 400s
                       : loses() || schedule_.flag(Key::ReuseTuple)                   ? 150s
                                                                                      : 12s;
        // The outage has made the timeout long. A wire that never heals may take some of these segments, too.
        if (loses() && calm_after() > 0s && !schedule_.flag(Key::HealAt))
            bound += 5 * tcp::Settings{}.max_rto;
        return bound;
    }
    /// A generous bound on everything after that: the pauses of the applications, TIME-WAIT, the time on the
    /// wire with a window of one segment, and some timeouts of the greatest length.
    Micros max_duration() const {
        const std::int64_t connections = schedule_.at(Key::Connections);
        std::int64_t bound = 1'000'000'000 + max_stall().count() + 2 * schedule_.at(Key::TimeWait) +
                             schedule_.at(Key::StallFor) + connections * schedule_.at(Key::Spacing);
        const std::int64_t round_trip =
            2 * (schedule_.at(Key::Delay) + schedule_.at(Key::DelayBack) + schedule_.at(Key::Jitter) +
                 schedule_.at(Key::JitterBack)) +
            schedule_.at(Key::HoldAcks) + schedule_.at(Key::HoldAcksBack) +
            std::max(schedule_.at(Key::AckDelay), schedule_.at(Key::AckDelayBack)) + 10'000;
        for (const Side side : {Client, Server}) {
            bound += 50 * (schedule_.at(Key::WritePause, side) + schedule_.at(Key::ReadPause, side));
            const std::int64_t bytes = connections * (schedule_.at(Key::Bytes, side) + 1'000);
            if (const std::int64_t rate = schedule_.at(Key::Rate, side); rate > 0)
                bound += 8 * (bytes * 1'000'000 / rate) + 100'000'000;
            // 64 bytes per round trip of one timeout each is the slowest that a lossy wire and the smallest
            // MSS leave.
            bound += bytes / 64 * (round_trip + (loses() ? 500'000 : 0));
        }
        if (schedule_.flag(Key::ReuseTuple))
            bound += connections * (2 * schedule_.at(Key::TimeWait) + 400'000'000);
        return Micros(bound);
    }

    void add_openings() {
        const std::int64_t connections = schedule_.flag(Key::ReuseTuple) ? 1 : schedule_.at(Key::Connections);
        for (std::int64_t number = 0; number < connections; ++number)
            world_.queue.add(world_.start + Micros(number * schedule_.at(Key::Spacing)), EventKind::Open,
                             Client, static_cast<std::uint32_t>(number));
    }
    void add_strays() {
        for (const auto& [key, kind, within] :
             {std::tuple{Key::Flood, kFlood, std::int64_t{1'000'000}},
              std::tuple{Key::Forged, kForged, std::int64_t{5'000'000}},
              std::tuple{Key::SoftErrors, kSoftError, std::int64_t{5'000'000}}})
            for (std::int64_t i = 0; i < schedule_.at(key); ++i)
                world_.queue.add(world_.start + Micros(strays_.one_in(2) ? strays_.below(within)
                                                                         : strays_.below(within / 100)),
                                 EventKind::Stray, static_cast<std::uint8_t>(strays_.below(2)), kind);
    }

    void act(const QueuedEvent& event) {
        Host& host = *hosts_.at(event.side);
        switch (event.kind) {
            case EventKind::Arrival:
                host.receive(world_.packets[event.item], event.at);
                world_.packets.release(event.item);
                break;
            case EventKind::Timer:
                host.advance(event.at);
                break;
            case EventKind::Open:
                world_.opened = std::max(world_.opened, event.item + 1);
                world_.connections[event.item].opened_at = event.at;
                host.open(event.item, event.at);
                // Both ends open actively, and their SYNs cross.
                if (schedule_.flag(Key::SimultaneousOpen))
                    hosts_[Server]->open(event.item, event.at);
                break;
            case EventKind::Application:
                host.act(event.item, event.at);
                break;
            case EventKind::Stray:
                act_stray(event);
                break;
        }
    }

    void act_stray(const QueuedEvent& event) {
        if (event.item == kFlood)
            flood(event.at);
        else if (world_.opened > 0 && event.item == kForged)
            forge(event);
        else if (world_.opened > 0)
            err(event);
    }

    void flood(Micros now) {
        tcp::Tuple tuple = hosts_[Server]->tuple_of(0);
        tuple.remote_port = static_cast<std::uint16_t>(strays_.between(20'000, 60'000));
        wire::TcpHeader header;
        header.source_port = tuple.remote_port;
        header.destination_port = tuple.local_port;
        header.sequence = static_cast<std::uint32_t>(strays_.next());
        header.flags.syn = true;
        header.window = 65'535;
        header.options.mss = 1460;
        hosts_[Server]->receive_forged(tuple, header, {}, now);
    }

    /// Somebody who knows the ports guesses numbers. What must not do harm, even if the number is within the
    /// window: a RST that is not exactly the next number, a SYN, an ACK of unsent data (RFC 5961 3 to 5).
    void forge(const QueuedEvent& event) {
        const Side side = event.side == 0 ? Client : Server;
        const auto number = static_cast<std::uint32_t>(strays_.below(world_.opened));
        const tcp::Connection* connection = hosts_.at(side)->connection(number);
        if (connection == nullptr || connection->state() < tcp::State::Established)
            return;
        const tcp::Tuple tuple = connection->tuple();
        const Witness& witness = world_.connections[number].witness;
        const auto far = static_cast<std::uint32_t>(strays_.between(1 << 30, (1LL << 31) - 1));
        const auto near = static_cast<std::uint32_t>(strays_.one_in(2) ? strays_.between(1, 1'000)
                                                                       : strays_.between(1, 60'000));
        wire::TcpHeader header;
        header.source_port = tuple.remote_port;
        header.destination_port = tuple.local_port;
        header.sequence = (witness.next_expected(side) + near).value();
        header.acknowledgment = (witness.next_expected(other(side)) + far).value();
        header.window = static_cast<std::uint16_t>(strays_.next());
        std::array<std::byte, 64> payload{};
        std::size_t length = 0;
        switch (strays_.below(5)) {
            case 0:
                header.flags.rst = true;
                header.flags.ack = strays_.one_in(2);
                break;
            case 1:
                header.flags.syn = true;
                header.flags.ack = strays_.one_in(2);
                break;
            case 2:  // data within the window, with an ACK of what was not sent
                header.flags.ack = true;
                length = static_cast<std::size_t>(strays_.below(64));
                break;
            case 3:  // data and a FIN outside of the window
                header.sequence = (witness.next_expected(side) + far).value();
                header.acknowledgment = witness.next_expected(other(side)).value();
                header.flags.ack = true;
                header.flags.fin = strays_.one_in(2);
                length = static_cast<std::size_t>(strays_.below(64));
                break;
            default:  // no flag at all
                break;
        }
        if (strays_.one_in(2))
            header.options.timestamps = wire::TcpTimestamps{static_cast<std::uint32_t>(strays_.next()),
                                                            static_cast<std::uint32_t>(strays_.next())};
        hosts_.at(side)->receive_forged(tuple, header, std::span(payload).first(length), event.at);
    }

    /// ICMP errors that must not end an open connection: the first two kinds whatever they quote (RFC 5927
    /// 5), all of them with a number that is not in flight.
    void err(const QueuedEvent& event) {
        const Side side = event.side == 0 ? Client : Server;
        const auto number = static_cast<std::uint32_t>(strays_.below(world_.opened));
        const tcp::Connection* connection = hosts_.at(side)->connection(number);
        if (connection == nullptr || connection->state() < tcp::State::Established)
            return;
        Packet packet;
        packet.is_error = true;
        packet.quoted = connection->tuple();
        const tcp::Sequence delivered = world_.connections[number].witness.next_expected(other(side));
        switch (strays_.below(3)) {
            case 0:
                packet.error = {tcp::IcmpError::Kind::RouteUnreachable, delivered, 0};
                break;
            case 1:
                packet.error = {tcp::IcmpError::Kind::ProtocolUnreachable, delivered, 0};
                break;
            default:
                packet.error = {tcp::IcmpError::Kind::PacketTooBig, delivered + (1U << 30),
                                static_cast<std::uint32_t>(strays_.below(2'000))};
                break;
        }
        hosts_.at(side)->receive(packet, event.at);
    }

    /// Nothing will happen any more. If a connection remains whose peer has gone for a permitted reason,
    /// nothing will end it: a program would notice by keepalive. Returns false if the run is over.
    bool sweep(Micros now) {
        if (!hosts_[Client]->has_connections() && !hosts_[Server]->has_connections())
            return false;
        std::size_t swept = 0;
        bool is_permitted = true;
        for (std::size_t number = 0; number < world_.connections.size(); ++number) {
            const ConnectionRecord& record = world_.connections[number];
            const bool remains = (record.sides[Client].existed && !record.sides[Client].ended) ||
                                 (record.sides[Server].existed && !record.sides[Server].ended);
            is_permitted = is_permitted && (!remains || may_end_badly(record));
        }
        if (is_permitted)
            for (const Side side : {Client, Server})
                swept += hosts_[side]->sweep(now);
        return swept > 0;
    }

    /// Whether this connection may lose bytes or end with a RST.
    bool may_end_badly(const ConnectionRecord& record) const {
        if (schedule_.at(Key::Ending) >= ClientCloses)
            return true;
        const tcp::ListenerInfo listener = hosts_[Server]->listener_info();
        for (const Side each : {Client, Server}) {
            const Outcome& side = record.sides.at(each);
            // It gave up, and had a reason to: silence, a peer without memory that drops what arrives, or an
            // outage that took each retransmission: the last one is sent half of R2 before it gives up.
            if (side.events.has(Event::TimedOut) &&
                (side.was_silent_long || record.sides.at(other(each)).info.memory_refused > 0 ||
                 calm_after() >= kMinR2 / 2))
                return true;
            if (side.was_swept)
                return true;
        }
        // The half-open entry expired, or the cookie did, before an ACK of the client arrived. That takes a
        // minute: an outage took most SYN-ACKs, or a short one took some and loss took the others.
        return !record.sides[Server].existed && record.sides[Client].ended &&
               (listener.half_open_expired > 0 || listener.cookies_sent > 0) &&
               calm_after() > (loses() ? 15s : 30s);
    }

    void check_outcomes() {
        for (std::size_t number = 0; number < world_.connections.size() && world_.finding.empty(); ++number) {
            const ConnectionRecord& record = world_.connections[number];
            if (may_end_badly(record))
                continue;
            for (const Side side : {Client, Server})
                if (const char* wrong = fault(record, side); wrong != nullptr)
                    world_.fail(fmt::format("connection {}, {}: {}; received {} of {} bytes", number,
                                            side == Client ? "client" : "server", wrong,
                                            record.sides.at(side).received, record.sides.at(side).expected));
        }
    }

    const char* fault(const ConnectionRecord& record, Side side) const {
        const Outcome& own = record.sides.at(side);
        const Outcome& peer = record.sides.at(other(side));
        if (!own.existed)
            return "it never opened";
        if (!own.ended)
            return "it never ended";
        if (own.events.has(Event::TimedOut))
            return "it gave up too early";
        if (own.events.has(Event::Unreachable))
            return "an ICMP error ended it";
        // Its FIN was sent again after the peer's TIME-WAIT. Nothing is lost then but what a reader that
        // paused had not taken.
        const bool is_late = own.events.has(Event::Reset) && peer.ended &&
                             peer.events.has(Event::PeerClosed) && !peer.events.has(Event::Reset) &&
                             (schedule_.at(Key::TimeWait) < 60'000'000 || calm_after() > 20s);
        const bool has_arrived = own.info.bytes_received == static_cast<std::uint64_t>(own.expected);
        if (own.received != own.expected && !(is_late && has_arrived))
            return "bytes are missing";
        if (!own.events.has(Event::PeerClosed))
            return "it did not see the peer's end";
        if (own.events.has(Event::Reset) && !is_late)
            return "it was reset";
        return nullptr;
    }

    void add_up() {
        result_.finding = world_.finding;
        for (const Side side : {Client, Server})
            result_.wires.at(side) = world_.wires.at(side).counts();
        for (const ConnectionRecord& record : world_.connections)
            for (const Outcome& side : record.sides) {
                result_.received += static_cast<std::uint64_t>(side.received);
                result_.transfer = std::max(result_.transfer, (side.last_read_at - world_.start).count());
                result_.retransmitted += side.info.segments_retransmitted;
                result_.timeouts += side.info.timeouts;
                result_.recoveries += side.info.recoveries;
                result_.undone += side.info.undone;
                result_.probes += side.info.probes;
                result_.memory_refused += side.info.memory_refused;
                result_.resets += side.events.has(Event::Reset) ? 1 : 0;
                result_.timed_out += side.events.has(Event::TimedOut) ? 1 : 0;
            }
    }

    const Schedule& schedule_;
    World world_;
    std::array<std::unique_ptr<Host>, 2> hosts_;
    Random strays_;
    Micros end_{};
    SimulationResult result_;
};

}  // namespace

SimulationResult simulate(const Schedule& schedule, std::FILE* trace) {
    return Simulation(schedule, trace).run();
}

namespace {

/// How far a schedule is from the simplest one: the sums of the lengths, in bits, of all differences, and of
/// the differences themselves.
std::pair<std::int64_t, double> complexity(const Schedule& schedule) {
    std::pair<std::int64_t, double> sums{};
    for (const Parameter& parameter : parameters()) {
        if (parameter.key == Key::Seed)
            continue;
        const auto difference =
            static_cast<std::uint64_t>(std::abs(schedule.at(parameter.key) - parameter.simplest));
        sums.first += std::bit_width(difference);
        sums.second += static_cast<double>(difference);
    }
    return sums;
}

constexpr int kMaxTrials = 3'000;

}  // namespace

Schedule shrink(const Schedule& failing, const std::function<bool(const Schedule&)>& fails) {
    Schedule simplest = failing;
    int trials = 0;
    const auto still_fails = [&](Key key, std::int64_t value) {
        Schedule candidate = simplest;
        candidate.set(key, value);
        candidate.settle();
        // settle() may undo a change, or change another parameter.
        if (complexity(candidate) >= complexity(simplest) || ++trials > kMaxTrials || !fails(candidate))
            return false;
        simplest = candidate;
        return true;
    };
    bool is_simpler = true;
    while (is_simpler) {
        is_simpler = false;
        for (const Parameter& parameter : parameters()) {
            if (parameter.key == Key::Seed || simplest.at(parameter.key) == parameter.simplest)
                continue;
            if (still_fails(parameter.key, parameter.simplest)) {
                is_simpler = true;
                continue;
            }
            // Halve the distance as often as possible; a step that passes is halved itself.
            std::int64_t step = (simplest.at(parameter.key) - parameter.simplest) / 2;
            for (int attempts = 0; step != 0 && attempts < 12; ++attempts) {
                if (still_fails(parameter.key, simplest.at(parameter.key) - step)) {
                    is_simpler = true;
                    step = (simplest.at(parameter.key) - parameter.simplest) / 2;
                } else {
                    step /= 2;
                }
            }
        }
    }
    return simplest;
}

}  // namespace l2echo::sim
