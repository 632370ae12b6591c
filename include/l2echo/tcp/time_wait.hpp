// Connections in TIME_WAIT, without their Connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/timestamp_clock.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo::tcp {

/// What remains of a connection.
struct TimeWaitState {
    Sequence next;          ///< SND.NXT
    Sequence receive_next;  ///< RCV.NXT, after the FIN
    bool timestamps = false;
    std::uint32_t recent = 0;  ///< TS.Recent
    TimestampClock clock;
};

enum class TimeWaitAction : std::uint8_t {
    None,         ///< the tuple is not in TIME_WAIT
    Ignore,       ///< RST (RFC 1337), a pure ACK in sequence, or a SYN that may be old
    Acknowledge,  ///< answer with an ACK of TimeWaitAnswer::state
    Reopen,       ///< a SYN of a new connection; the tuple is free now
};

struct TimeWaitAnswer {
    TimeWaitAction action = TimeWaitAction::None;
    /// For Acknowledge: what the ACK says. For Reopen: the new ISN must be later than `next`.
    TimeWaitState state;
};

/// The answer for TimeWaitAction::Acknowledge.
OutgoingSegment acknowledge(const TimeWaitState& state, const Tuple& tuple, Micros now) noexcept;

/// A table of fixed size in the caller's memory. When it is full, the oldest entry makes room and is counted.
/// All entries wait equally long, so they expire in the order in which they came or were restarted.
class TimeWaitTable {
  public:
    /// Bytes for `entries`: 64 each, and 8 to 16 of an index.
    static std::size_t memory_for(std::uint32_t entries) noexcept;

    /// `memory` is aligned to 64 bytes, outlives the table, and holds as many entries as fit. `duration` is 2
    /// MSL, at most 10 minutes. `key` keeps strangers from choosing tuples that collide.
    TimeWaitTable(std::span<std::byte> memory, Micros duration, const hash::SipKey& key) noexcept;

    std::uint32_t size() const noexcept { return size_; }
    std::uint32_t capacity() const noexcept { return capacity_; }
    std::uint64_t evicted() const noexcept { return evicted_; }

    /// Replaces an entry of the same tuple.
    void insert(const Tuple& tuple, const TimeWaitState& state, Micros now) noexcept;

    /// A segment for a tuple without a connection. A FIN that comes again restarts the wait.
    TimeWaitAnswer receive(const Tuple& tuple, const wire::TcpHeader& header, std::size_t payload,
                           Micros now) noexcept;

    bool contains(const Tuple& tuple) const noexcept;

    /// Frees at most `max` entries whose wait is over; returns how many.
    std::uint32_t expire(Micros now, std::uint32_t max = UINT32_MAX) noexcept;
    /// When the next entry expires, rounded up to a millisecond. It may have passed.
    std::optional<Micros> deadline(Micros now) const noexcept;

    const char* check_invariants() const noexcept;  ///< for tests: what is wrong, or nullptr

  private:
    struct Entry;
    using TupleBytes = std::array<std::byte, 36>;

    static constexpr std::uint32_t kEnd = (1U << 31) - 1;  // of the list and of the free entries

    static TupleBytes bytes_of(const Tuple& tuple) noexcept;
    static bool is_new(const TimeWaitState& state, Sequence sequence,
                       const std::optional<wire::TcpTimestamps>& timestamps) noexcept;
    std::uint32_t place_of(const TupleBytes& tuple) const noexcept;
    std::uint32_t home_of(const TupleBytes& tuple) const noexcept;
    void remove(std::uint32_t place) noexcept;
    void link_newest(std::uint32_t slot) noexcept;
    void unlink(std::uint32_t slot) noexcept;
    std::uint32_t deadline_of(Micros now) const noexcept;

    Entry* entries_ = nullptr;
    std::uint32_t* index_ = nullptr;  // open addressing; slot + 1, or 0 if free
    std::uint32_t index_mask_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t free_ = 0;  // the first free slot; `newer` links the others
    std::uint32_t oldest_ = kEnd;
    std::uint32_t newest_ = kEnd;
    std::uint64_t evicted_ = 0;
    Micros duration_;
    hash::SipKey key_;
};

}  // namespace l2echo::tcp
