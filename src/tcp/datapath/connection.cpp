// Construction, and the calls of the application.
#include "l2echo/tcp/connection.hpp"

#include <algorithm>
#include <bit>

#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr Micros kMaxTimeout = std::chrono::hours(24);  // as Settings::user_timeout

}  // namespace

Connection::Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
                       Sequence initial_send, TimestampClock clock, bool is_passive) noexcept
    : settings_(&settings),
      arena_(&arena),
      receive_scale_(settings.window_scaling ? receive_scale(settings) : std::uint8_t{0}),
      no_delay_(settings.no_delay),
      keepalive_(settings.keepalive),
      local_port_(tuple.local_port),
      receive_capacity_(first_receive_capacity(settings)),
      // Anywhere, so that a test whose sequence numbers wrap has positions that do, too.
      receive_fifo_(initial_send.value()),
      send_fifo_(initial_send.value()),
      clock_(clock),
      remote_port_(tuple.remote_port),
      records_(initial_send + 1),
      recovery_point_(initial_send + 1),
      rtt_(settings),
      congestion_(settings, 1),
      user_timeout_(settings.user_timeout),
      is_ipv6_(tuple.local.version == 6),
      is_passive_(is_passive),
      link_mtu_(std::clamp<std::uint16_t>(mtu, is_ipv6_ ? 1280 : 576, 65535)),
      path_mtu_(link_mtu_),
      initial_send_(initial_send),
      tuple_(tuple) {}

Connection::Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
                       const ActiveOpen& open, Micros now) noexcept
    : Connection(settings, arena, tuple, mtu, open.initial_send, open.clock, false) {
    state_ = State::SynSent;
    syn_due_ = true;
    handshake_sent_at_ = now;
    waiting_since_ = now;
    use_peer_mss(0);
}

Connection::Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
                       const Handshake& handshake, Micros now) noexcept
    : Connection(settings, arena, tuple, mtu, handshake.initial_send, handshake.clock, true) {
    state_ = State::SynReceived;
    handshake_sent_at_ = handshake.sent_at.value_or(kNever);
    attempts_ = static_cast<std::uint8_t>(handshake.times_sent - 1);
    initial_receive_ = handshake.initial_receive;
    start_receiving(initial_receive_ + 1);
    wire::TcpOptions options{};
    options.mss = handshake.peer_mss;
    options.window_scale = handshake.peer_scale;
    options.sack_permitted = handshake.sack;
    if (handshake.timestamps)
        options.timestamps = wire::TcpTimestamps{handshake.peer_timestamp, 0};
    agree_on(options);
    recent_second_ = seconds_of(now);
    waiting_since_ = now;
    arm_handshake(now);
}

Connection::~Connection() {
    // The order of the members; docs/tcp.md has these sizes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
    static_assert(offsetof(Connection, retransmission_at_) == kSegmentLines * kLine);
    static_assert(offsetof(Connection, records_) == (kAckLines - 1) * kLine);
    static_assert(offsetof(Connection, prr_) <= kPeerAckLines * kLine);
#pragma GCC diagnostic pop
    static_assert(sizeof(Connection) == 896);
    release_all_memory();
}

std::size_t Connection::write(std::span<const std::byte> bytes) noexcept {
    if (shutdown_ || echo_ || state_ == State::Closed || state_ == State::TimeWait)
        return 0;
    const std::size_t wanted = std::min(bytes.size(), writable());
    if (send_fifo_.space() < wanted) {
        const std::uint32_t held = send_fifo_.size() + static_cast<std::uint32_t>(wanted);
        const std::uint32_t largest = std::bit_ceil(std::max(held, settings_->min_buffer));
        // Rather a part than nothing.
        for (std::uint32_t capacity = largest; capacity > send_fifo_.capacity(); capacity /= 2) {
            if (send_fifo_.grow(*arena_, capacity))
                break;
        }
    }
    return send_fifo_.write(bytes.first(std::min<std::size_t>(wanted, send_fifo_.space())));
}

/// Twice the congestion window is what a sender can use: one in flight, one for the acknowledgment to
/// release.
std::size_t Connection::writable() const noexcept {
    if (shutdown_ || echo_ || state_ == State::Closed || state_ == State::TimeWait)
        return 0;
    const std::uint32_t limit =
        std::min(settings_->max_send_buffer, std::max(kFirstBuffer, 2 * congestion_.window()));
    const std::uint32_t held = send_fifo_.size();
    return held < limit ? limit - held : 0;
}

std::size_t Connection::readable() const noexcept {
    return echo_ || state_ == State::SynReceived ? 0 : receive_fifo_.size();
}

std::size_t Connection::read(std::span<std::byte> bytes) noexcept {
    const std::size_t count = receive_fifo_.read(bytes.first(std::min(bytes.size(), readable())));
    if (count > 0)
        after_bytes_were_taken();
    return count;
}

fifo::Bytes Connection::peek() const noexcept {
    return receive_fifo_.peek(0, static_cast<std::uint32_t>(readable()));
}

void Connection::consume(std::size_t count) noexcept {
    count = std::min(count, readable());
    if (count == 0)
        return;
    receive_fifo_.consume(static_cast<std::uint32_t>(count));
    after_bytes_were_taken();
}

bool Connection::peer_closed() const noexcept {
    return fin_received_;
}

bool Connection::echo() noexcept {
    if (send_fifo_.size() > 0 || shutdown_ || state_ == State::Closed)
        return false;
    echo_ = true;
    return true;
}

void Connection::shutdown() noexcept {
    if (shutdown_)
        return;
    switch (state_) {
        case State::Established:
            state_ = State::FinWait1;
            break;
        case State::CloseWait:
            state_ = State::LastAck;
            break;
        case State::SynSent:
        case State::SynReceived:
            break;  // establish() continues
        default:
            return;
    }
    shutdown_ = true;
}

void Connection::close(Micros now) noexcept {
    if (left_)
        return;
    left_ = true;
    if (state_ == State::SynSent) {
        end({});
        return;
    }
    if (has_linger_ && linger_ == Micros(0)) {
        abort();
        return;
    }
    // The peer would believe that its bytes were processed (RFC 2525 2.17).
    if (readable() > 0) {
        abort();
        return;
    }
    shutdown();
    if (has_linger_ && state_ != State::TimeWait && state_ != State::Closed)
        close_at_ = now + linger_;
    else if (state_ == State::FinWait2 && settings_->fin_wait_2 > Micros(0))
        close_at_ = now + settings_->fin_wait_2;
    release_idle_memory();
}

void Connection::abort() noexcept {
    left_ = true;
    if (state_ == State::Closed)
        return;
    if (state_ == State::SynSent || state_ == State::TimeWait)
        end({});
    else
        end_with_reset({});
}

void Connection::set_no_delay(bool on) noexcept {
    no_delay_ = on;
}

void Connection::set_keepalive(bool on, Micros now) noexcept {
    keepalive_ = on && state_ != State::TimeWait && state_ != State::Closed;
    keepalive_probes_ = 0;
    keepalive_at_ = keepalive_ && is_synchronized() ? now + settings_->keepalive_idle : kNever;
}

void Connection::set_user_timeout(Micros timeout) noexcept {
    user_timeout_ = std::clamp(timeout, Micros(0), kMaxTimeout);
}

void Connection::set_linger(std::optional<Micros> timeout) noexcept {
    has_linger_ = timeout.has_value();
    linger_ = std::clamp(timeout.value_or(Micros(0)), Micros(0), kMaxTimeout);
}

State Connection::state() const noexcept {
    return state_;
}

const Tuple& Connection::tuple() const noexcept {
    return tuple_;
}

/// Bytes of the send FIFO after next().
std::uint32_t Connection::unsent() const noexcept {
    return send_fifo().size() - (records_.outstanding() - (fin_sent_ && !records_.empty() ? 1 : 0));
}

/// A connection with nothing unread and nothing unacknowledged owns no FIFO memory.
void Connection::release_idle_memory() noexcept {
    send_fifo_.release_when_empty(*arena_);
    if (!has_holes_)
        receive_fifo_.release_when_empty(*arena_);
}

void Connection::release_send_memory() noexcept {
    records_.release_memory(*arena_);
    send_fifo_.release(*arena_);
}

void Connection::release_all_memory() noexcept {
    release_send_memory();
    out_of_order_.release(*arena_);
    has_holes_ = false;
    receive_fifo_.release(*arena_);
}

}  // namespace l2echo::tcp
