// Half-open connections, SYN cookies and the accept queue.
#include "l2echo/tcp/listener.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/initial_sequence.hpp"
#include "tcp/datapath/sizes.hpp"

namespace l2echo::tcp {
namespace {

constexpr Micros kCookieLife = std::chrono::seconds(120);  // SynCookies

wire::TcpHeader reply_to(const Tuple& tuple) noexcept {
    wire::TcpHeader header{};
    header.source_port = tuple.local_port;
    header.destination_port = tuple.remote_port;
    return header;
}

std::uint16_t default_mss(const Tuple& tuple) noexcept {
    return tuple.local.version == 6 ? kDefaultMssIpv6 : kDefaultMssIpv4;
}

}  // namespace

std::optional<OutgoingSegment> reset_for(const wire::TcpHeader& header, std::size_t payload_length) noexcept {
    if (header.flags.rst)
        return std::nullopt;
    OutgoingSegment reset{};
    reset.header.source_port = header.destination_port;
    reset.header.destination_port = header.source_port;
    reset.header.flags.rst = true;
    if (header.flags.ack) {
        reset.header.sequence = header.acknowledgment;
    } else {
        reset.header.flags.ack = true;
        reset.header.acknowledgment = header.sequence + static_cast<std::uint32_t>(payload_length) +
                                      (header.flags.syn ? 1 : 0) + (header.flags.fin ? 1 : 0);
    }
    return reset;
}

/// A SYN that was answered and not confirmed yet.
struct Listener::HalfOpen {
    Tuple tuple;
    Sequence initial_send;
    Sequence initial_receive;
    TimestampClock clock;
    std::uint32_t peer_timestamp = 0;
    std::uint32_t next_in_chain = kNone;  // of its bucket, or of free entries
    std::uint32_t older = kNone;          // in its queue
    std::uint32_t newer = kNone;
    Micros sent_at{0};
    std::uint16_t peer_mss = 0;
    std::uint8_t peer_scale = 0;
    std::uint8_t times_sent = 0;
    bool has_scale = false;
    bool sack = false;
    bool timestamps = false;
};

Listener::Listener(const Settings& settings, fifo::Arena& arena, std::uint16_t mtu,
                   const hash::SipKey& key) noexcept
    : settings_(&settings), arena_(&arena), key_(key), cookies_(key), mtu_(mtu) {
    static_assert(sizeof(HalfOpen) <= 96);  // docs/tcp.md
    const std::uint32_t entries = settings.max_half_open;
    const std::uint32_t buckets = std::bit_ceil(std::max(entries, 1U));
    entries_ = static_cast<HalfOpen*>(arena.allocate(entries * sizeof(HalfOpen)));
    buckets_ = static_cast<std::uint32_t*>(arena.allocate(buckets * sizeof(std::uint32_t)));
    if (entries_ != nullptr && buckets_ != nullptr) {
        capacity_ = entries;
        bucket_mask_ = buckets - 1;
        std::fill_n(buckets_, buckets, kNone);
        for (std::uint32_t position = entries; position-- > 0;) {
            new (&entries_[position]) HalfOpen;
            entries_[position].next_in_chain = free_;
            free_ = position;
        }
    }
    // An array of pointers. NOLINTNEXTLINE(bugprone-sizeof-expression)
    accept_ = static_cast<Connection**>(arena.allocate(settings.max_accept_queue * sizeof(*accept_)));
    if (accept_ != nullptr)
        accept_capacity_ = settings.max_accept_queue;
}

Listener::~Listener() {
    arena_->release(entries_);
    arena_->release(buckets_);
    arena_->release(accept_);
}

Listener::Result Listener::receive(const Tuple& tuple, const wire::TcpHeader& header,
                                   std::size_t payload_length, Micros now,
                                   std::optional<Sequence> after) noexcept {
    const wire::TcpFlags& flags = header.flags;
    if (flags.rst) {
        const std::uint32_t position = find(tuple);
        // RFC 5961 3.2: only the exact sequence number.
        if (position != kNone && Sequence(header.sequence) == entries_[position].initial_receive + 1)
            erase(position);
        return {};
    }
    if (flags.syn) {
        if (flags.ack)
            return {reset_for(header, payload_length), std::nullopt};
        // No peer opens and closes in one segment: a scanner does.
        if (flags.fin)
            return {};
        return take_syn(tuple, header, now, after);
    }
    if (!flags.ack)
        return {};
    return take_ack(tuple, header, payload_length, now);
}

Listener::Result Listener::take_syn(const Tuple& tuple, const wire::TcpHeader& header, Micros now,
                                    std::optional<Sequence> after) noexcept {
    if (const std::uint32_t position = find(tuple); position != kNone) {
        const HalfOpen& entry = entries_[position];
        // The same SYN again, or another one that may be old: the peer decides (RFC 5961 4.2).
        if (Sequence(header.sequence) == entry.initial_receive)
            return {syn_ack(entry, now), std::nullopt};
        return {challenge(entry, now), std::nullopt};
    }
    ++info_.syns;
    if (accept_queue_is_full()) {
        ++info_.syns_refused;
        return {};
    }
    if (free_ == kNone) {
        // The number of a cookie cannot be made later than that of the connection in TIME-WAIT.
        if (settings_->syn_cookies && !after)
            return {send_cookie(tuple, header, now), std::nullopt};
        ++info_.syns_refused;
        return {};
    }
    const std::uint32_t position = insert(tuple);
    HalfOpen& entry = entries_[position];
    const wire::TcpOptions& options = header.options;
    entry.initial_send = initial_sequence(key_, tuple, now);
    if (after)
        entry.initial_send = later(entry.initial_send, *after + 1);
    entry.initial_receive = Sequence(header.sequence);
    entry.clock = timestamp_clock(key_, tuple);
    entry.peer_mss = options.mss;
    entry.has_scale = settings_->window_scaling && options.window_scale.has_value();
    entry.peer_scale = entry.has_scale ? std::min(*options.window_scale, kMaxShift) : std::uint8_t{0};
    entry.sack = settings_->sack && options.sack_permitted;
    entry.timestamps = settings_->timestamps && options.timestamps.has_value();
    entry.peer_timestamp = entry.timestamps ? options.timestamps->value : 0;
    entry.times_sent = 1;
    entry.sent_at = now;
    append(position);
    return {syn_ack(entry, now), std::nullopt};
}

Listener::Result Listener::take_ack(const Tuple& tuple, const wire::TcpHeader& header,
                                    std::size_t payload_length, Micros now) noexcept {
    const std::uint32_t position = find(tuple);
    if (position == kNone)
        return take_cookie(tuple, header, payload_length, now);
    const HalfOpen& entry = entries_[position];
    if (Sequence(header.acknowledgment) != entry.initial_send + 1) {
        // A SYN that came again may have found room after the first one got a cookie, which the peer took.
        Result result = take_cookie(tuple, header, payload_length, now);
        if (result.open)
            erase(position);
        return result;
    }
    if (!is_within(Sequence(header.sequence), entry.initial_receive + 1, first_window(*settings_) + 1U))
        return {challenge(entry, now), std::nullopt};
    if (entry.timestamps && !header.options.timestamps)
        return {};
    if (accept_queue_is_full()) {
        // The SYN-ACK is repeated, and the peer's next ACK may find room.
        ++info_.accept_queue_full;
        return {};
    }
    Handshake handshake;
    handshake.initial_send = entry.initial_send;
    handshake.initial_receive = entry.initial_receive;
    handshake.peer_mss = entry.peer_mss != 0 ? entry.peer_mss : default_mss(tuple);
    if (entry.has_scale)
        handshake.peer_scale = entry.peer_scale;
    handshake.sack = entry.sack;
    handshake.timestamps = entry.timestamps;
    handshake.peer_timestamp = entry.peer_timestamp;
    handshake.clock = entry.clock;
    handshake.sent_at = entry.sent_at;
    handshake.times_sent = entry.times_sent;
    erase(position);
    ++info_.handshakes_completed;
    return {std::nullopt, handshake};
}

Listener::Result Listener::take_cookie(const Tuple& tuple, const wire::TcpHeader& header,
                                       std::size_t payload_length, Micros now) noexcept {
    if (now >= cookies_until_)
        return {reset_for(header, payload_length), std::nullopt};
    const Sequence peer_isn = Sequence(header.sequence) - 1;
    const Sequence isn = Sequence(header.acknowledgment) - 1;
    std::optional<std::uint32_t> echo;
    if (header.options.timestamps)
        echo = header.options.timestamps->echo;
    const std::optional<CookieOptions> options = cookies_.check(tuple, peer_isn, isn, echo, now);
    if (!options) {
        // It may be a later segment of a peer whose ACK was lost. The first one brings the cookie when it is
        // repeated, and a RST would end the connection before.
        ++info_.cookies_refused;
        return {};
    }
    if (accept_queue_is_full()) {
        ++info_.accept_queue_full;
        return {};
    }
    ++info_.cookies_accepted;
    ++info_.handshakes_completed;
    Handshake handshake;
    handshake.initial_send = isn;
    handshake.initial_receive = peer_isn;
    handshake.peer_mss = options->mss;
    handshake.peer_scale = options->window_scale;
    handshake.sack = options->sack;
    handshake.timestamps = options->timestamps;
    handshake.peer_timestamp = options->timestamps ? header.options.timestamps->value : 0;
    handshake.clock = timestamp_clock(key_, tuple);
    return {std::nullopt, handshake};
}

OutgoingSegment Listener::send_cookie(const Tuple& tuple, const wire::TcpHeader& header,
                                      Micros now) noexcept {
    const wire::TcpOptions& options = header.options;
    CookieOptions offer;
    offer.mss = options.mss != 0 ? options.mss : default_mss(tuple);
    offer.timestamps = settings_->timestamps && options.timestamps.has_value();
    if (settings_->window_scaling && options.window_scale)
        offer.window_scale = std::min(*options.window_scale, kMaxShift);
    offer.sack = settings_->sack && options.sack_permitted;
    const Cookie cookie =
        cookies_.make(tuple, Sequence(header.sequence), offer, timestamp_clock(key_, tuple).at(now), now);
    cookies_until_ = now + kCookieLife;
    ++info_.cookies_sent;

    OutgoingSegment segment{reply_to(tuple), {}, {}};
    segment.header.sequence = cookie.isn.value();
    segment.header.acknowledgment = header.sequence + 1;
    segment.header.flags.syn = true;
    segment.header.flags.ack = true;
    segment.header.window = first_window(*settings_);
    segment.header.options.mss = own_mss(*settings_, mtu_, tuple.local.version == 6);
    segment.header.options.sack_permitted = cookie.options.sack;
    if (cookie.options.window_scale)
        segment.header.options.window_scale = receive_scale(*settings_);
    if (cookie.options.timestamps)
        segment.header.options.timestamps = wire::TcpTimestamps{cookie.timestamp, options.timestamps->value};
    return segment;
}

OutgoingSegment Listener::syn_ack(const HalfOpen& entry, Micros now) const noexcept {
    OutgoingSegment segment{reply_to(entry.tuple), {}, {}};
    segment.header.sequence = entry.initial_send.value();
    segment.header.acknowledgment = (entry.initial_receive + 1).value();
    segment.header.flags.syn = true;
    segment.header.flags.ack = true;
    segment.header.window = first_window(*settings_);
    segment.header.options.mss = own_mss(*settings_, mtu_, entry.tuple.local.version == 6);
    segment.header.options.sack_permitted = entry.sack;
    if (entry.has_scale)
        segment.header.options.window_scale = receive_scale(*settings_);
    if (entry.timestamps)
        segment.header.options.timestamps = wire::TcpTimestamps{entry.clock.at(now), entry.peer_timestamp};
    return segment;
}

/// A peer that knows nothing of the entry answers by the RST that removes it. The ACK has no window, because
/// the connection does not exist.
OutgoingSegment Listener::challenge(const HalfOpen& entry, Micros now) const noexcept {
    OutgoingSegment segment{reply_to(entry.tuple), {}, {}};
    segment.header.sequence = (entry.initial_send + 1).value();
    segment.header.acknowledgment = (entry.initial_receive + 1).value();
    segment.header.flags.ack = true;
    segment.header.window = first_window(*settings_);
    if (entry.timestamps)
        segment.header.options.timestamps = wire::TcpTimestamps{entry.clock.at(now), entry.peer_timestamp};
    return segment;
}

std::optional<AddressedSegment> Listener::next_segment(Micros now) noexcept {
    for (std::size_t times = 1; times < kMaxSends; ++times) {
        while (queues_[times].oldest != kNone) {
            const std::uint32_t position = queues_[times].oldest;
            HalfOpen& entry = entries_[position];
            if (due(entry) > now)
                break;
            if (entry.times_sent > settings_->synack_retries) {
                ++info_.half_open_expired;
                erase(position);
                continue;
            }
            unlink(position);
            ++entry.times_sent;
            entry.sent_at = now;
            append(position);
            return AddressedSegment{entry.tuple, syn_ack(entry, now)};
        }
    }
    return std::nullopt;
}

std::optional<Micros> Listener::deadline() const noexcept {
    std::optional<Micros> earliest;
    for (const Queue& queue : queues_) {
        if (queue.oldest == kNone)
            continue;
        const Micros at = due(entries_[queue.oldest]);
        if (!earliest || at < *earliest)
            earliest = at;
    }
    return earliest;
}

/// The timeout doubles with each SYN-ACK (RFC 6298 5.5).
Micros Listener::due(const HalfOpen& entry) const noexcept {
    return entry.sent_at +
           std::min(settings_->initial_rto * (std::int64_t{1} << (entry.times_sent - 1)), settings_->max_rto);
}

bool Listener::queue(Connection& connection) noexcept {
    if (accept_queue_is_full())
        return false;
    accept_[(accept_head_ + waiting_) % accept_capacity_] = &connection;
    ++waiting_;
    return true;
}

Connection* Listener::accept() noexcept {
    if (waiting_ == 0)
        return nullptr;
    Connection* const connection = accept_[accept_head_];
    accept_head_ = (accept_head_ + 1) % accept_capacity_;
    --waiting_;
    return connection;
}

void Listener::remove(const Connection& connection) noexcept {
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < waiting_; ++i) {
        Connection* const waiting = accept_[(accept_head_ + i) % accept_capacity_];
        if (waiting != &connection)
            accept_[(accept_head_ + kept++) % accept_capacity_] = waiting;
    }
    waiting_ = kept;
}

ListenerInfo Listener::info() const noexcept {
    ListenerInfo info = info_;
    info.accept_queue = waiting_;
    return info;
}

std::uint32_t& Listener::bucket(const Tuple& tuple) const noexcept {
    return buckets_[hash_tuple(key_, tuple) & bucket_mask_];
}

std::uint32_t Listener::find(const Tuple& tuple) const noexcept {
    if (info_.half_open == 0)
        return kNone;
    std::uint32_t position = bucket(tuple);
    while (position != kNone && entries_[position].tuple != tuple)
        position = entries_[position].next_in_chain;
    return position;
}

/// There is a free entry.
std::uint32_t Listener::insert(const Tuple& tuple) noexcept {
    const std::uint32_t position = free_;
    free_ = entries_[position].next_in_chain;
    entries_[position] = HalfOpen{};
    entries_[position].tuple = tuple;
    std::uint32_t& first = bucket(tuple);
    entries_[position].next_in_chain = first;
    first = position;
    ++info_.half_open;
    return position;
}

void Listener::erase(std::uint32_t position) noexcept {
    unlink(position);
    std::uint32_t* link = &bucket(entries_[position].tuple);
    while (*link != position)
        link = &entries_[*link].next_in_chain;
    *link = entries_[position].next_in_chain;
    entries_[position].next_in_chain = free_;
    free_ = position;
    --info_.half_open;
}

void Listener::append(std::uint32_t position) noexcept {
    HalfOpen& entry = entries_[position];
    Queue& queue = queues_[entry.times_sent];
    entry.older = queue.newest;
    entry.newer = kNone;
    (queue.newest == kNone ? queue.oldest : entries_[queue.newest].newer) = position;
    queue.newest = position;
}

void Listener::unlink(std::uint32_t position) noexcept {
    const HalfOpen& entry = entries_[position];
    Queue& queue = queues_[entry.times_sent];
    (entry.older == kNone ? queue.oldest : entries_[entry.older].newer) = entry.newer;
    (entry.newer == kNone ? queue.newest : entries_[entry.newer].older) = entry.older;
}

const char* Listener::broken_invariant() const noexcept {
    std::uint32_t queued = 0;
    for (std::size_t times = 0; times < kMaxSends; ++times) {
        Micros last = Micros::min();
        for (std::uint32_t position = queues_[times].oldest; position != kNone;
             position = entries_[position].newer) {
            const HalfOpen& entry = entries_[position];
            if (entry.times_sent != times)
                return "an entry is in the queue of its number of SYN-ACKs";
            if (entry.sent_at < last)
                return "a queue is in the order of time";
            last = entry.sent_at;
            if (find(entry.tuple) != position)
                return "an entry is found by its tuple";
            if (++queued > capacity_)
                return "a queue ends";
        }
    }
    if (queued != info_.half_open)
        return "each entry in use is in a queue";
    std::uint32_t free = 0;
    for (std::uint32_t position = free_; position != kNone; position = entries_[position].next_in_chain)
        if (++free > capacity_)
            return "the free entries end";
    return queued + free == capacity_ ? nullptr : "an entry is either free or in use";
}

}  // namespace l2echo::tcp
