// TCP of one worker: its connections and listeners, their timers, and what they have to send.
#pragma once

#include <rte_ethdev.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/hash/siphash.hpp"
#include "l2echo/stack/connection_table.hpp"
#include "l2echo/stream/streams.hpp"
#include "l2echo/stream/token_bucket.hpp"
#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/listener.hpp"
#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/time_wait.hpp"
#include "l2echo/tcp/timer_wheel.hpp"

namespace l2echo::stack {

struct TcpLayerSettings {
    tcp::Settings tcp{};
    std::uint16_t mtu = 1500;                ///< of the link, in bytes with IP header
    std::uint32_t max_connections = 65'536;  ///< 1 to 2^20, without those in TIME_WAIT
    std::uint32_t max_time_wait = 65'536;    ///< the oldest makes room for one more
    std::uint32_t resets_per_second = 1000;  ///< in answer to segments of no connection
};

/// The outcome of a segment.
enum class TcpOutcome : std::uint8_t {
    Delivered,           ///< a connection, a listener or an entry in TIME_WAIT took it
    NoListener,          ///< nothing listens on the port; answered by a RST, unless these are limited
    TooManyConnections,  ///< a new connection has no place
};

struct TcpLayerCounts {
    std::uint64_t accepted = 0;        ///< connections that a listener opened
    std::uint64_t connected = 0;       ///< connections that connect() started
    std::uint64_t resets_sent = 0;     ///< in answer to segments of no connection
    std::uint64_t resets_limited = 0;  ///< of these, not sent: more than resets_per_second
    std::uint64_t too_many_connections = 0;
    std::uint64_t time_wait_evicted = 0;
    std::uint32_t connections = 0;  ///< now
    std::uint32_t time_wait = 0;    ///< now
};

/// A segment whose checksum is right.
struct IncomingSegment {
    tcp::Tuple tuple;
    wire::TcpHeader header;
    std::span<const std::byte> payload;
};

/// Per turn, in this order: receive() for each burst, expire(), run_services(), send(). The calls of services
/// (stream::Streams) may come at any time between. All calls come from one worker; none throws or blocks.
///
/// `Output` is what send() and the others write segments to:
///   bool has_room() noexcept;
///   void send(const tcp::Tuple&, const tcp::OutgoingSegment&) noexcept;  // only while there is room
class TcpLayer {
  public:
    /// Takes what max_connections need at once, except for FIFOs, whose memory comes from `arena`. `name` is
    /// unique in the process, `key` is secret. Settings are copied; the arena must outlive the layer. Throws
    /// process::StartupError.
    TcpLayer(const std::string& name, const TcpLayerSettings& settings, fifo::Arena& arena,
             const hash::SipKey& key, int numa_node, tcp::Micros now);
    ~TcpLayer();
    TcpLayer(const TcpLayer&) = delete;
    TcpLayer& operator=(const TcpLayer&) = delete;

    // --- Set-up

    /// False if the address and port have a listener already. `service` must outlive the layer.
    bool listen(const stream::Endpoint& local, stream::Service& service);
    /// Starts to open a connection. The caller chose the local port, so that replies reach this worker.
    /// Nothing if the tuple is in use or there is no place.
    std::optional<stream::StreamId> connect(const tcp::Tuple& tuple, stream::Service& service,
                                            tcp::Micros now) noexcept;

    // --- The wire

    /// Takes segments in the order of their arrival. `outcomes` has as many places.
    template <typename Output>
    void receive(std::span<const IncomingSegment> segments, std::span<TcpOutcome> outcomes, Output& output,
                 tcp::Micros now) noexcept {
        while (!segments.empty()) {
            const std::size_t count = std::min(segments.size(), ConnectionTable::kMaxBurst);
            const Lookup lookup = find(segments.first(count));
            for (std::size_t i = 0; i < count; ++i) {
                if (i + kPrefetchAhead < count && lookup.numbers[i + kPrefetchAhead] != kNone)
                    slots_[lookup.numbers[i + kPrefetchAhead]].connection().prefetch();
                outcomes[i] = receive(segments[i], lookup.keys[i], lookup.numbers[i], output, now);
            }
            segments = segments.subspan(count);
            outcomes = outcomes.subspan(count);
        }
    }
    /// An ICMP error about a segment that this tuple has sent.
    void on_icmp(const tcp::Tuple& tuple, const tcp::IcmpError& error, tcp::Micros now) noexcept;

    /// Acts on the deadlines that have passed.
    void expire(tcp::Micros now) noexcept;
    /// No deadline is earlier; empty if there is none.
    std::optional<tcp::Micros> deadline(tcp::Micros now) const noexcept;

    /// Calls the services of the streams to which something happened since the last call.
    void run_services(stream::Streams& streams, tcp::Micros now) noexcept;

    /// Sends what is due, at most kSegmentsPerTurn of a connection, while there is room. What remains waits
    /// for the next call. True if nothing does.
    template <typename Output>
    bool send(Output& output, tcp::Micros now) noexcept {
        for (const auto& listening : listeners_)
            while (output.has_room()) {
                const auto repeated = listening->listener.next_segment(now);
                if (!repeated)
                    break;
                output.send(repeated->tuple, repeated->segment);
            }
        for (std::uint32_t turns = dirty_count_; turns > 0 && output.has_room(); --turns) {
            const std::uint32_t number = take_dirty();
            Slot& slot = slots_[number];
            std::uint32_t sent = 0;
            bool is_done = false;
            while (sent < kSegmentsPerTurn && output.has_room() && !is_done) {
                if (const auto segment = slot.connection().next_segment(now)) {
                    output.send(slot.connection().tuple(), *segment);
                    ++sent;
                } else {
                    is_done = true;
                }
            }
            if (is_done)
                settle(number, now);
            else
                make_dirty(number);
        }
        return dirty_count_ == 0;
    }

    // --- For services: see stream::Streams

    tcp::Connection* find(stream::StreamId id) noexcept;
    const tcp::Connection* find(stream::StreamId id) const noexcept;
    /// The service did something to the connection: it may have something to send.
    void touch(stream::StreamId id) noexcept { make_dirty(id.index); }
    void close(stream::StreamId id, tcp::Micros now) noexcept;
    void reset(stream::StreamId id) noexcept;

    TcpLayerCounts counts() const noexcept;
    /// Calls visit(const tcp::Connection&) for each connection.
    template <typename Visit>
    void for_each(Visit&& visit) const {
        for (const Slot& slot : slots())
            if (slot.is_used)
                visit(slot.connection());
    }
    std::uint32_t max_connections() const noexcept { return settings_.max_connections; }
    /// Names the first invariant that does not hold; nullptr if all hold. For tests.
    const char* broken_invariant() const noexcept;

  private:
    static constexpr std::uint32_t kNone = ConnectionTable::kNone;
    static constexpr std::size_t kPrefetchAhead = 4;
    static constexpr std::uint32_t kSegmentsPerTurn = 16;

    /// The place of one connection, which is constructed in it while it is used.
    struct alignas(RTE_CACHE_LINE_SIZE) Slot {
        alignas(tcp::Connection) std::byte memory[sizeof(tcp::Connection)];  // NOLINT(*-avoid-c-arrays)
        tcp::TimerNode timer;
        stream::Service* service = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = 0;
        stream::Events events;  // that the service has not seen
        bool is_used = false;
        bool is_passive = false;
        bool is_open = false;    // the service knows it
        bool has_left = false;   // the service called close() or reset()
        bool has_ended = false;  // the service was told, or has left
        bool is_ready = false;   // in ready_
        bool is_dirty = false;   // in dirty_

        tcp::Connection& connection() noexcept {
            return *std::launder(reinterpret_cast<tcp::Connection*>(memory));
        }
        const tcp::Connection& connection() const noexcept {
            return *std::launder(reinterpret_cast<const tcp::Connection*>(memory));
        }
    };
    struct Listening {
        Listening(const stream::Endpoint& at, stream::Service* served, const tcp::Settings& settings,
                  fifo::Arena& arena, std::uint16_t mtu, const hash::SipKey& key)
            : local(at), service(served), listener(settings, arena, mtu, key) {}

        stream::Endpoint local;
        stream::Service* service;
        tcp::Listener listener;
    };
    struct Lookup {
        std::array<TupleKey, ConnectionTable::kMaxBurst> keys;
        std::array<std::uint32_t, ConnectionTable::kMaxBurst> numbers;
    };

    template <typename Output>
    TcpOutcome receive(const IncomingSegment& segment, const TupleKey& key, std::uint32_t number,
                       Output& output, tcp::Micros now) noexcept {
        // An earlier segment of the burst may have opened it. None ends before send().
        if (number == kNone && opened_in_burst_)
            number = table_.find(key);
        if (number != kNone) {
            Slot& slot = slots_[number];
            note(number, slot.connection().receive(segment.header, segment.payload, now));
            return TcpOutcome::Delivered;
        }
        const Answer answer = receive_unknown(segment, key, now);
        if (answer.reply && output.has_room())
            output.send(segment.tuple, *answer.reply);
        return answer.outcome;
    }
    struct Answer {
        TcpOutcome outcome;
        std::optional<tcp::OutgoingSegment> reply;
    };

    std::span<const Slot> slots() const noexcept { return {slots_.get(), settings_.max_connections}; }
    Lookup find(std::span<const IncomingSegment> segments) noexcept;
    Listening* listening_at(const tcp::Tuple& tuple) noexcept;
    Answer receive_unknown(const IncomingSegment& segment, const TupleKey& key, tcp::Micros now) noexcept;
    Answer refuse(const IncomingSegment& segment, tcp::Micros now) noexcept;
    std::optional<std::uint32_t> take_slot(const TupleKey& key, stream::Service& service,
                                           bool is_passive) noexcept;
    void note(std::uint32_t number, tcp::Events events) noexcept;
    void make_ready(std::uint32_t number) noexcept;
    void make_dirty(std::uint32_t number) noexcept;
    std::uint32_t take_dirty() noexcept;
    void settle(std::uint32_t number, tcp::Micros now) noexcept;
    void release(std::uint32_t number) noexcept;

    TcpLayerSettings settings_;
    fifo::Arena& arena_;
    hash::SipKey key_;
    ConnectionTable table_;
    struct Free {
        std::uint32_t count;
        void operator()(Slot* slots) const noexcept;
    };
    std::unique_ptr<Slot[], Free> slots_;  // NOLINT(*-avoid-c-arrays)
    std::uint32_t first_free_ = kNone;
    tcp::TimerWheel wheel_;
    std::vector<std::byte> time_wait_memory_;
    std::optional<tcp::TimeWaitTable> time_wait_;
    std::vector<std::unique_ptr<Listening>> listeners_;
    std::vector<std::uint32_t> ready_;  // each slot at most once
    std::uint32_t ready_count_ = 0;
    std::vector<std::uint32_t> dirty_;  // ring
    std::uint32_t dirty_head_ = 0;
    std::uint32_t dirty_count_ = 0;
    bool opened_in_burst_ = false;
    stream::TokenBucket resets_;
    TcpLayerCounts counts_;
};

}  // namespace l2echo::stack
