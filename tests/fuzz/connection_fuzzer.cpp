// libFuzzer target: connections in any state, and their listener, under any segments, calls, times and want
// of memory. The sanitizers see every access outside the bytes; CheckedConnection has the rest.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "checked_connection.hpp"
#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/initial_sequence.hpp"
#include "l2echo/tcp/listener.hpp"
#include "l2echo/tcp/time_wait.hpp"

namespace {

using namespace l2echo;
using fuzz::CheckedConnection;
using fuzz::require;
using tcp::Micros;
using tcp::Sequence;
using tcp::State;

constexpr hash::SipKey kKey{1, 2};
constexpr std::size_t kMaxConnections = 3;
constexpr std::size_t kMaxOperations = 400;
constexpr std::array<std::uint32_t, 5> kInitialNumbers = {0, 0xFFFFFFF0, 0x7FFFFFF0, 0xFFFF0000, 0x12345678};

// Clearing it for each input would take most of the time.
alignas(64) std::array<std::byte, 1U << 20> arena_memory;

/// Consumes the input from the front; zeros after its end.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}
    bool empty() const { return at_ == end_; }
    std::uint8_t byte() { return at_ == end_ ? std::uint8_t{0} : *at_++; }
    bool flag() { return byte() % 2 == 1; }
    std::uint32_t number() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i)
            value = value << 8 | byte();
        return value;
    }
    /// 0 to 65536, small ones in steps of one.
    std::size_t length() {
        const std::size_t value = byte();
        if (value < 128)
            return value;
        return value < 224 ? (value - 127) * 100 : (value - 223) * 2048;
    }
    /// 0 to 9 hours, and twice as long with each step.
    Micros duration() { return Micros((std::int64_t{1} << byte() % 36) - 1); }
    template <typename Value, std::size_t Size>
    Value one_of(const std::array<Value, Size>& values) {
        return values[byte() % Size];
    }

  private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

wire::IpAddress address(bool is_ipv6, std::uint8_t last) {
    std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{0x01}, std::byte{0x0d}, std::byte{0xb8}};
    bytes[is_ipv6 ? 15 : 3] = std::byte{last};
    return is_ipv6 ? wire::IpAddress::from_ipv6(bytes.data()) : wire::IpAddress::from_ipv4(bytes.data());
}

tcp::Settings take_settings(Input& input) {
    tcp::Settings settings;
    const unsigned flags = input.byte();
    settings.window_scaling = (flags & 1) == 0;
    settings.timestamps = (flags & 2) == 0;
    settings.sack = (flags & 4) == 0;
    settings.congestion =
        (flags & 8) == 0 ? tcp::CongestionAlgorithm::Cubic : tcp::CongestionAlgorithm::NewReno;
    settings.hystart = settings.tail_loss_probe = (flags & 16) == 0;
    settings.no_delay = (flags & 32) != 0;
    settings.keepalive = (flags & 64) != 0;
    settings.syn_cookies = (flags & 128) == 0;
    const unsigned sizes = input.byte();
    settings.max_mss = std::array<std::uint16_t, 4>{1460, 536, 64, 65495}[sizes % 4];
    settings.min_mss = (sizes & 4) == 0 ? std::min<std::uint16_t>(88, settings.max_mss) : 28;
    settings.max_segments_in_flight = (sizes & 8) == 0 ? 1024 : 16;
    settings.max_receive_buffer = (sizes & 16) == 0 ? 1U << 20 : 4096;
    settings.max_send_buffer = (sizes & 32) == 0 ? 1U << 20 : 4096;
    settings.min_buffer = (sizes & 64) == 0 ? 4096 : 1024;
    settings.ack_delay = (sizes & 128) == 0 ? std::chrono::milliseconds(40) : Micros(0);
    settings.max_half_open = 2;
    settings.max_accept_queue = 2;
    settings.retries = settings.syn_retries = settings.synack_retries = 3;
    settings.keepalive_probes = 2;
    require(check_settings(settings).empty(), "the settings are valid");
    return settings;
}

/// What the peer offers in its SYN.
wire::TcpOptions take_offer(Input& input) {
    const unsigned flags = input.byte();
    wire::TcpOptions offer{};
    offer.mss = std::array<std::uint16_t, 8>{1460, 0, 536, 28, 1, 65535, 100, 9000}[flags % 8];
    offer.sack_permitted = (flags & 8) == 0;
    if ((flags & 16) == 0)
        offer.window_scale = std::array<std::uint8_t, 4>{0, 7, 14, 255}[flags >> 6];
    if ((flags & 32) == 0)
        offer.timestamps = wire::TcpTimestamps{};
    return offer;
}

class Session {
  public:
    explicit Session(Input& input)
        : input_(input),
          settings_(take_settings(input)),
          arena_(
              std::span(arena_memory)
                  .first(input.one_of(std::array<std::size_t, 4>{1U << 20, 64U << 10, 8U << 10, 2U << 10}))),
          is_ipv6_(input.byte() % 4 == 3),
          mtu_(input.one_of(std::array<std::uint16_t, 4>{1500, 1280, 9000, 65535})),
          now_(std::int64_t{input.flag() ? 3'600'000 : 0xFFFF'FF00} * 1000),
          listener_(settings_, arena_, mtu_, kKey),
          time_wait_(time_wait_memory_, settings_.time_wait, kKey) {}

    void run() {
        open();
        for (std::size_t i = 0; i < kMaxOperations && !input_.empty(); ++i) {
            const unsigned operation = input_.byte();
            (this->*kOperations[operation % kOperations.size()])();
            // The TX ring is full now and then.
            if (operation < 128 && has_connection())
                current().drain(now_);
            if (const char* broken = listener_.broken_invariant())
                require(false, broken);
            if (const char* broken = time_wait_.check_invariants())
                require(false, broken);
        }
        while (has_connection())
            destroy();
        for (void* block : held_)
            arena_.release(block);
        held_.clear();
        require(arena_.free_bytes() + listener_memory_ == arena_.size(),
                "connections return their memory to the arena");
    }

  private:
    using Operation = void (Session::*)();

    bool has_connection() const { return !connections_.empty(); }
    CheckedConnection& current() { return *connections_[current_ % connections_.size()]; }
    tcp::Tuple tuple(std::uint16_t port) const {
        return {address(is_ipv6_, 1), address(is_ipv6_, 2), 7, port};
    }
    std::uint32_t peer_time() const { return static_cast<std::uint32_t>(now_.count() / 1000) + 0xFFFF'0000; }

    // --- Opening, up to any state

    wire::TcpHeader syn_from(std::uint16_t port, Sequence sequence, const wire::TcpOptions& offer) const {
        wire::TcpHeader header{};
        header.source_port = port;
        header.destination_port = 7;
        header.sequence = sequence.value();
        header.flags.syn = true;
        header.window = 0xFFFF;
        header.options = offer;
        if (header.options.timestamps)
            header.options.timestamps->value = peer_time();
        return header;
    }

    /// A segment in order: bytes from RCV.NXT on, and an ACK of all that was sent.
    wire::TcpHeader header_in_order() {
        wire::TcpHeader header{};
        header.source_port = (*current()).tuple().remote_port;
        header.destination_port = (*current()).tuple().local_port;
        header.sequence = current().receive_next().value();
        header.acknowledgment = current().next().value();
        header.flags.ack = true;
        header.window = window_;
        if ((*current()).info().timestamps)
            header.options.timestamps = wire::TcpTimestamps{peer_time(), current().last_timestamp()};
        return header;
    }

    template <typename Start>
    void add(std::uint16_t port, const Start& start, const fuzz::Opening& opening) {
        connections_.push_back(
            std::make_unique<CheckedConnection>(settings_, arena_, tuple(port), mtu_, start, opening, now_));
        current_ = connections_.size() - 1;
    }

    void open() {
        if (connections_.size() >= kMaxConnections)
            return;
        const unsigned kind = input_.byte();
        const auto target = static_cast<State>(input_.byte() % 10);
        const Sequence peers(input_.one_of(kInitialNumbers));
        const wire::TcpOptions offer = take_offer(input_);
        window_ = std::array<std::uint16_t, 4>{0xFFFF, 1000, 1, 0}[input_.byte() % 4];
        ++port_;
        const bool has_memory = arena_.free_bytes() >= 32768 && held_.empty();
        const std::size_t before = connections_.size();
        if (kind % 4 < 2)
            open_actively(kind % 4 == 1, target, peers, offer);
        else
            open_passively(kind % 4 == 3, target, peers, offer);
        if (connections_.size() == before)
            return;
        lead_to(target);
        if (!has_memory || window_ == 0)
            return;
        const State state = (*current()).state();
        require(state == target || target == State::SynSent || target == State::SynReceived,
                "the state is reached");
    }

    void open_actively(bool is_simultaneous, State target, Sequence peers, const wire::TcpOptions& offer) {
        const Sequence ours(input_.one_of(kInitialNumbers));
        const fuzz::Opening opening{.ours = ours, .scale = own_scale(), .window = first_window()};
        add(port_, tcp::ActiveOpen{ours, tcp::timestamp_clock(kKey, tuple(port_))}, opening);
        current().drain(now_);
        if (target == State::SynSent)
            return;
        wire::TcpHeader header = syn_from(port_, peers, offer);
        header.acknowledgment = (ours + 1).value();
        header.flags.ack = !is_simultaneous;
        current().receive(header, now_);
        current().drain(now_);
        if (!is_simultaneous || target == State::SynReceived)
            return;
        header.flags.ack = true;
        current().receive(header, now_);
        current().drain(now_);
    }

    void open_passively(bool by_cookie, State target, Sequence peers, const wire::TcpOptions& offer) {
        if (by_cookie)
            for (std::uint16_t i = 0; i < settings_.max_half_open; ++i)
                listener_.receive(tuple(100 + i), syn_from(100 + i, peers, offer), 0, now_);
        const auto answer = listener_.receive(tuple(port_), syn_from(port_, peers, offer), 0, now_);
        check_reply(answer);
        if (!answer.reply || !answer.reply->header.flags.syn)
            return;
        const wire::TcpHeader& syn_ack = answer.reply->header;
        require(syn_ack.acknowledgment == (peers + 1).value(), "a SYN-ACK acknowledges the SYN");
        wire::TcpHeader header = syn_from(port_, peers + 1, {});
        header.flags = {.ack = true};
        header.acknowledgment = syn_ack.sequence + 1;
        header.window = window_;
        if (syn_ack.options.timestamps)
            header.options.timestamps = wire::TcpTimestamps{peer_time(), syn_ack.options.timestamps->value};
        accept(port_, header, target == State::SynReceived);
    }

    /// The segment may complete a handshake.
    void accept(std::uint16_t port, const wire::TcpHeader& header, bool keep_half_open) {
        const auto answer = listener_.receive(tuple(port), header, 0, now_);
        check_reply(answer);
        if (!answer.open)
            return;
        if (connections_.size() >= kMaxConnections)
            return;
        add(port, *answer.open,
            {.ours = answer.open->initial_send,
             .peers = answer.open->initial_receive,
             .peer_mss = answer.open->peer_mss,
             .peer_scale = answer.open->peer_scale,
             .scale = own_scale(),
             .window = first_window()});
        require(listener_.queue(*current()), "there is room in the accept queue");
        if (!keep_half_open) {
            current().receive(header, now_);
            current().drain(now_);
        }
    }

    void lead_to(State target) {
        const State reached = (*current()).state();
        if (target == State::Closed)
            (*current()).abort();
        if (reached != State::Established || target <= State::Established)
            return;
        const bool peer_first = target == State::CloseWait || target == State::LastAck;
        wire::TcpHeader fin = header_in_order();
        fin.flags.fin = true;
        if (peer_first)
            current().receive(fin, now_);
        if (target != State::CloseWait)
            (*current()).shutdown();
        current().drain(now_);
        if (target == State::FinWait2 || target == State::TimeWait)
            current().receive(header_in_order(), now_);
        if (target == State::Closing || target == State::TimeWait) {
            if (target == State::TimeWait)
                fin.acknowledgment = current().next().value();
            current().receive(fin, now_);
        }
        current().drain(now_);
    }

    std::uint8_t own_scale() const {
        std::uint8_t scale = 0;
        while ((settings_.max_receive_buffer >> scale) > 0xFFFF)
            ++scale;
        return scale;
    }
    std::uint16_t first_window() const {
        const std::uint32_t capacity = std::min(65536U, settings_.max_receive_buffer);
        return static_cast<std::uint16_t>(capacity - capacity / 16);
    }

    // --- Segments

    Sequence near_received(unsigned base) {
        switch (base % 8) {
            case 0:
                return current().receive_next();
            case 1:
                return current().receive_edge();
            case 2:
                return current().highest_received();
            case 3:
                return current().first_received();
            case 4:
                return current().receive_next() + 0x8000'0000;
            case 5:
                return current().receive_next() - 65536;
            case 6:
                return current().receive_next() + 2920;
            default:
                return Sequence(input_.number());
        }
    }

    Sequence near_sent(unsigned base) {
        switch (base % 8) {
            case 0:
                return current().next();
            case 1:
                return current().una();
            case 2:
                return current().send_edge();
            case 3:
                return current().ours();
            case 4:
                return current().una() + bytes_between(current().una(), current().next()) / 2;
            case 5:
                return current().next() + 0x8000'0000;
            case 6:
                return current().una() - 65536;
            default:
                return Sequence(input_.number());
        }
    }

    std::uint32_t delta() { return static_cast<std::uint32_t>(static_cast<std::int8_t>(input_.byte())); }

    void take_sack_blocks(wire::TcpOptions& options, unsigned count) {
        const std::uint32_t unit = std::max(1U, (*current()).info().send_mss);
        for (unsigned i = 0; i < count; ++i) {
            const unsigned form = input_.byte();
            const Sequence from = form < 192 ? current().una() : near_sent(form);
            const std::uint32_t scale = form % 2 == 0 ? unit : 1;
            const Sequence left = from + scale * delta();
            const Sequence right = left + scale * delta();
            options.sack.at(options.sack_blocks++) = {left.value(), right.value()};
        }
    }

    void receive_segment() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        const unsigned flags = input_.byte();
        std::memcpy(&header.flags, &flags, 1);
        const unsigned shape = input_.byte();
        header.sequence = (near_received(shape) + delta()).value();
        header.acknowledgment = (near_sent(shape >> 3) + delta()).value();
        const std::size_t length = input_.length();
        header.window = input_.one_of(std::array<std::uint16_t, 8>{0xFFFF, 0, 1, 100, 1460, 8192,
                                                                   static_cast<std::uint16_t>(shape), 2});
        switch (shape >> 6) {
            case 0:
                break;
            case 1:
                take_sack_blocks(header.options, 1 + input_.byte() % 3);
                break;
            case 2:
                header.options.timestamps =
                    wire::TcpTimestamps{peer_time() + delta(), current().last_timestamp() + delta()};
                break;
            default:
                header.options = take_offer(input_);
        }
        current().receive(header, length, now_);
    }

    void receive_in_order() {
        if (has_connection())
            current().receive(header_in_order(), input_.length(), now_);
    }
    void receive_behind_hole() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        header.sequence += 100 * input_.byte();
        current().receive(header, input_.length(), now_);
    }
    void receive_acknowledgment() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        const std::uint32_t segments = input_.byte();
        const std::uint32_t flight = bytes_between(current().una(), current().next());
        header.acknowledgment =
            (current().una() + std::min(flight, segments * (*current()).info().send_mss)).value();
        current().receive(header, now_);
    }
    void receive_sack() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        header.acknowledgment = current().una().value();
        take_sack_blocks(header.options, 1 + input_.byte() % 4);
        current().receive(header, now_);
    }
    void receive_fin() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        header.flags.fin = true;
        current().receive(header, input_.length(), now_);
    }
    void receive_reset() {
        if (!has_connection())
            return;
        wire::TcpHeader header = header_in_order();
        header.flags.rst = true;
        header.sequence += delta();
        current().receive(header, now_);
    }
    void receive_window() {
        if (!has_connection())
            return;
        window_ = static_cast<std::uint16_t>(input_.length());
        current().receive(header_in_order(), now_);
    }

    /// Options, and all else, as they come from the wire. The sequence numbers are near those in use.
    void receive_bytes() {
        if (!has_connection())
            return;
        const unsigned length = input_.byte() % 64;
        std::vector<std::byte> bytes(length);
        for (std::byte& byte : bytes)
            byte = static_cast<std::byte>(input_.byte());
        wire::TcpHeader header;
        const wire::HeaderRead read = wire::read_header(bytes, header);
        if (!read)
            return;
        header.sequence += current().receive_next().value();
        header.acknowledgment += current().next().value();
        current().receive(header, length - read.length, now_);
    }

    void receive_icmp() {
        if (!has_connection())
            return;
        tcp::IcmpError error;
        error.kind = static_cast<tcp::IcmpError::Kind>(input_.byte() % 3);
        error.sequence = near_sent(input_.byte()) + delta();
        error.mtu = input_.one_of(std::array<std::uint32_t, 8>{0, 1, 68, 552, 1280, 1400, 70000, UINT32_MAX});
        current().on_icmp(error, now_);
    }

    // --- The application

    void write() {
        if (has_connection())
            current().write(input_.length());
    }
    void read() {
        if (has_connection())
            current().read(input_.length());
    }
    void consume() {
        if (has_connection())
            current().consume(input_.length());
    }
    void echo() {
        if (has_connection())
            current().echo();
    }
    void shutdown() {
        if (has_connection())
            (*current()).shutdown();
    }
    void end() {
        if (!has_connection())
            return;
        if (input_.flag())
            (*current()).abort();
        else
            (*current()).close(now_);
        current().check();
    }
    void set() {
        if (!has_connection())
            return;
        tcp::Connection& connection = *current();
        const unsigned what = input_.byte();
        // Whoever wants no limit may set the longest time.
        const Micros time = what >= 128 ? Micros::max() : input_.duration();
        switch (what % 5) {
            case 0:
                connection.set_no_delay(input_.flag());
                break;
            case 1:
                connection.set_keepalive(input_.flag(), now_);
                break;
            case 2:
                connection.set_user_timeout(time);
                break;
            case 3:
                connection.set_linger(time);
                break;
            default:
                connection.set_linger(std::nullopt);
        }
        current().check();
    }

    // --- Time, memory and the end

    void pass_time() {
        now_ += input_.duration();
        expire();
    }
    void pass_until_deadline() {
        if (!has_connection())
            return;
        if (const auto at = (*current()).deadline())
            now_ = std::max(now_, *at);
        expire();
    }
    void expire() {
        for (const auto& connection : connections_)
            connection->expire(now_);
        std::uint32_t sent = 0;
        while (const auto segment = listener_.next_segment(now_)) {
            require(segment->segment.header.flags.syn && ++sent <= settings_.max_half_open,
                    "each entry repeats one SYN-ACK for one event");
        }
        require(!listener_.deadline() || *listener_.deadline() > now_, "no deadline of the listener is left");
        time_wait_.expire(now_);
    }
    void send_some() {
        if (has_connection())
            current().drain(now_, input_.byte() % 4);
    }
    void hold_memory() {
        const unsigned form = input_.byte();
        if (form % 4 == 0) {
            for (void* block : held_)
                arena_.release(block);
            held_.clear();
            return;
        }
        // What fits, the largest blocks first, but for the last few.
        std::size_t size = arena_.size();
        for (; size >= fifo::Arena::kMinBlock << (form >> 2) % 8; size /= 2)
            while (void* block = arena_.allocate(size))
                held_.push_back(block);
    }
    void destroy() {
        if (!has_connection())
            return;
        const std::size_t at = current_ % connections_.size();
        tcp::Connection& connection = **connections_[at];
        if (connection.state() == State::TimeWait)
            time_wait_.insert(connection.tuple(), connection.time_wait_state(), now_);
        listener_.remove(connection);
        connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    void select() { current_ = input_.byte(); }

    // --- The listener

    static void check_reply(const tcp::Listener::Result& result) {
        if (!result.reply)
            return;
        const wire::TcpFlags flags = result.reply->header.flags;
        require(result.reply->payload_length() == 0 && (flags.rst || flags.ack) && !(flags.rst && flags.syn),
                "a listener answers by a RST, a SYN-ACK or an ACK");
    }

    void listen() {
        const std::uint16_t port = 100 + input_.byte() % 8;
        wire::TcpHeader header = syn_from(port, Sequence(input_.one_of(kInitialNumbers)), {});
        const unsigned flags = input_.byte();
        if (flags != 0)
            std::memcpy(&header.flags, &flags, 1);
        header.options = take_offer(input_);
        header.sequence += delta();
        std::optional<Sequence> after;
        const auto known = time_wait_.receive(tuple(port), header, 0, now_);
        if (known.action == tcp::TimeWaitAction::Reopen)
            after = known.state.next;
        const auto answer = listener_.receive(tuple(port), header, 0, now_, after);
        check_reply(answer);
        if (!answer.reply || !answer.reply->header.flags.syn || input_.flag())
            return;
        if (after)
            require(Sequence(answer.reply->header.sequence) > *after,
                    "a tuple is used again with later numbers");
        header.flags = {.ack = true};
        header.sequence += 1 + delta();
        header.acknowledgment = answer.reply->header.sequence + 1 + delta();
        header.options = {};
        if (answer.reply->header.options.timestamps)
            header.options.timestamps =
                wire::TcpTimestamps{peer_time(), answer.reply->header.options.timestamps->value + delta()};
        accept(port, header, false);
    }
    void accept_one() {
        const tcp::Connection* accepted = listener_.accept();
        require(accepted == nullptr || std::ranges::any_of(connections_,
                                                           [accepted](const auto& connection) {
                                                               return &**connection == accepted;
                                                           }),
                "an accepted connection exists");
    }
    void receive_in_time_wait() {
        wire::TcpHeader header{};
        const auto port = static_cast<std::uint16_t>(port_ - input_.byte() % 4);
        const unsigned flags = input_.byte();
        std::memcpy(&header.flags, &flags, 1);
        header.sequence = input_.one_of(kInitialNumbers) + delta();
        if (input_.flag())
            header.options.timestamps = wire::TcpTimestamps{peer_time() + delta(), 0};
        const auto before = time_wait_.contains(tuple(port));
        const auto answer = time_wait_.receive(tuple(port), header, input_.length(), now_);
        require((answer.action != tcp::TimeWaitAction::None) == before, "the table answers for its tuples");
        require(answer.action != tcp::TimeWaitAction::Acknowledge || !header.flags.rst,
                "a RST is not answered");
    }
    void fill_time_wait() {
        for (unsigned i = input_.byte() % 8; i > 0; --i)
            time_wait_.insert(tuple(static_cast<std::uint16_t>(200 + input_.byte() % 16)),
                              {.next = Sequence(i), .receive_next = Sequence(i), .timestamps = i % 2 == 0},
                              now_);
    }

    // The order is that of the bytes in tcp.dict and make_corpus.py: append new ones.
    static constexpr std::array kOperations = {
        &Session::receive_segment,
        &Session::receive_in_order,
        &Session::receive_behind_hole,
        &Session::receive_acknowledgment,
        &Session::receive_sack,
        &Session::receive_fin,
        &Session::receive_reset,
        &Session::receive_window,
        &Session::receive_bytes,
        &Session::receive_icmp,
        &Session::write,
        &Session::read,
        &Session::consume,
        &Session::echo,
        &Session::shutdown,
        &Session::end,
        &Session::set,
        &Session::pass_time,
        &Session::pass_until_deadline,
        &Session::send_some,
        &Session::hold_memory,
        &Session::destroy,
        &Session::select,
        &Session::open,
        &Session::listen,
        &Session::accept_one,
        &Session::receive_in_time_wait,
        &Session::fill_time_wait,
    };

    Input& input_;
    tcp::Settings settings_;
    fifo::Arena arena_;
    bool is_ipv6_;
    std::uint16_t mtu_;
    Micros now_;
    tcp::Listener listener_;
    std::size_t listener_memory_ = arena_.size() - arena_.free_bytes();
    alignas(64) std::array<std::byte, 512> time_wait_memory_{};
    tcp::TimeWaitTable time_wait_;
    std::vector<std::unique_ptr<CheckedConnection>> connections_;
    std::size_t current_ = 0;
    std::vector<void*> held_;
    std::uint16_t port_ = 40000;
    std::uint16_t window_ = 0xFFFF;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const auto session = std::make_unique<Session>(input);
    session->run();
    return 0;
}
