// The passive side: half-open connections, SYN cookies, and the queue of connections to accept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/handshake.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/syn_cookies.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo::tcp {

class Connection;

/// The answer to a segment for which there is neither a connection nor a listener (RFC 9293 3.10.7.1): a RST,
/// or nothing to a RST. The caller limits the rate.
std::optional<OutgoingSegment> reset_for(const wire::TcpHeader& header, std::size_t payload_length) noexcept;

/// A segment of the listener's own, whose receiver only the tuple names.
struct AddressedSegment {
    Tuple tuple;
    OutgoingSegment segment;
};

/// Counters of one listener since it was made.
struct ListenerInfo {
    std::uint64_t syns = 0;          ///< without repeated ones
    std::uint64_t syns_refused = 0;  ///< dropped: the accept queue is full, or the table without cookies
    std::uint64_t handshakes_completed = 0;
    std::uint64_t accept_queue_full = 0;  ///< ACKs that would complete a handshake, dropped
    std::uint64_t half_open_expired = 0;  ///< no answer to the last SYN-ACK
    std::uint64_t cookies_sent = 0;
    std::uint64_t cookies_accepted = 0;
    std::uint64_t cookies_refused =
        0;  ///< ACKs without a valid cookie while cookies were in use, which are dropped
    std::uint32_t half_open = 0;     ///< entries in use
    std::uint32_t accept_queue = 0;  ///< connections that wait for accept()
};

/// Owns Settings::max_half_open entries and Settings::max_accept_queue places, taken from the arena when the
/// listener is made, about 120 bytes each; without that memory it answers each SYN with a cookie. A SYN flood
/// therefore costs no memory. Used by one thread; `now` never decreases.
class Listener {
  public:
    /// `mtu` is the link's, as for Connection. `key` is drawn by getrandom(), and kept secret. Settings and
    /// arena must outlive the listener.
    Listener(const Settings& settings, fifo::Arena& arena, std::uint16_t mtu,
             const hash::SipKey& key) noexcept;
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    struct Result {
        std::optional<OutgoingSegment> reply;  ///< send it
        /// The handshake is complete: construct a Connection, pass it the same segment, and queue() it.
        std::optional<Handshake> open;
    };
    /// Takes a segment of a tuple that has no connection. If it had a TimeWaitTable entry that answered
    /// Reopen, `after` is the `next` of that answer.
    Result receive(const Tuple& tuple, const wire::TcpHeader& header, std::size_t payload_length, Micros now,
                   std::optional<Sequence> after = std::nullopt) noexcept;
    /// A SYN-ACK to repeat, or nothing. Drops entries that were not answered. As Connection::next_segment().
    std::optional<AddressedSegment> next_segment(Micros now) noexcept;
    /// When to call next_segment(): the next SYN-ACK is due, or an entry expires.
    std::optional<Micros> deadline() const noexcept;

    /// Appends a connection to the accept queue. There is room directly after receive() returned `open`;
    /// otherwise false, if the queue is full.
    bool queue(Connection& connection) noexcept;
    /// The connection that waited longest, or nullptr.
    Connection* accept() noexcept;
    /// Removes a connection that ends before it was accepted. Does nothing if it does not wait.
    void remove(const Connection& connection) noexcept;

    ListenerInfo info() const noexcept;
    const char* broken_invariant() const noexcept;  ///< for tests: as Connection's

  private:
    struct HalfOpen;
    static constexpr std::uint32_t kNone = UINT32_MAX;
    static constexpr std::size_t kMaxSends = 22;  // Settings::synack_retries + 1, and the end

    /// Entries whose SYN-ACK was sent equally often, which therefore expire in their order.
    struct Queue {
        std::uint32_t oldest = kNone;
        std::uint32_t newest = kNone;
    };

    Result take_syn(const Tuple& tuple, const wire::TcpHeader& header, Micros now,
                    std::optional<Sequence> after) noexcept;
    Result take_ack(const Tuple& tuple, const wire::TcpHeader& header, std::size_t payload_length,
                    Micros now) noexcept;
    Result take_cookie(const Tuple& tuple, const wire::TcpHeader& header, std::size_t payload_length,
                       Micros now) noexcept;
    OutgoingSegment send_cookie(const Tuple& tuple, const wire::TcpHeader& header, Micros now) noexcept;
    OutgoingSegment syn_ack(const HalfOpen& entry, Micros now) const noexcept;
    OutgoingSegment challenge(const HalfOpen& entry, Micros now) const noexcept;
    bool accept_queue_is_full() const noexcept { return waiting_ >= accept_capacity_; }
    Micros due(const HalfOpen& entry) const noexcept;

    std::uint32_t find(const Tuple& tuple) const noexcept;
    std::uint32_t& bucket(const Tuple& tuple) const noexcept;
    std::uint32_t insert(const Tuple& tuple) noexcept;
    void erase(std::uint32_t position) noexcept;
    void append(std::uint32_t position) noexcept;
    void unlink(std::uint32_t position) noexcept;

    const Settings* settings_;
    fifo::Arena* arena_;
    hash::SipKey key_;
    SynCookies cookies_;
    std::uint16_t mtu_;

    HalfOpen* entries_ = nullptr;
    std::uint32_t* buckets_ = nullptr;  // first entry of each chain
    std::uint32_t bucket_mask_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t free_ = kNone;  // chain of free entries
    std::array<Queue, kMaxSends> queues_;

    Connection** accept_ = nullptr;  // ring
    std::uint32_t accept_capacity_ = 0;
    std::uint32_t accept_head_ = 0;
    std::uint32_t waiting_ = 0;

    Micros cookies_until_{-1};  // cookies that were sent are valid until then at most
    ListenerInfo info_;
};

}  // namespace l2echo::tcp
