// What is in flight: one record per segment, from which all that the sender knows is derived.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo::tcp {

/// A segment in flight. SYN and FIN count one byte each.
struct SendRecord {
    Micros sent;        ///< last transmission
    Micros first_sent;  ///< first transmission: the user timeout counts from it
    Sequence begin;
    // Neighbours in the order of retransmissions, as positions in the ring. Valid while is_resent.
    std::uint32_t older;
    std::uint32_t newer;
    std::uint16_t length;
    std::uint8_t times_sent;  ///< stops at 255
    // At most one is set. None: in flight, sent once.
    bool is_sacked : 1;
    bool is_lost : 1;    ///< and not yet retransmitted
    bool is_resent : 1;  ///< in flight again

    Sequence end() const noexcept { return begin + length; }
    bool in_flight() const noexcept { return !is_sacked && !is_lost; }
};
static_assert(sizeof(SendRecord) == 32);

/// When an ACK arrived, and which retransmissions it can be an answer to.
struct AckTime {
    Micros now;
    Micros min_rtt;  ///< RttEstimator::min_rtt(): a retransmission that is younger was not what the peer
                     ///< received
    /// TimestampClock::latest_sent() of the echoed timestamp: segments sent later were not what the peer
    /// received.
    Micros echoed = Micros::max();
};

/// What one ACK delivered. Start with an empty one per ACK.
struct Delivery {
    std::uint32_t bytes = 0;         ///< newly delivered: the sum of the next two
    std::uint32_t acknowledged = 0;  ///< acknowledged, and not SACKed before
    std::uint32_t sacked = 0;        ///< SACKed and not acknowledged

    /// The most recently sent segment that was delivered, if any (RFC 8985 6.2 step 2). Retransmissions that
    /// AckTime rules out are left out.
    bool has_newest = false;
    bool newest_was_resent = false;
    Micros newest_sent{0};
    Sequence newest_end;

    /// When the segment was sent that was delivered after the longest time, for the RTT (RFC 6298). Only
    /// segments that were sent once count (Karn), and acknowledged ones only if all of them were.
    std::optional<Micros> oldest_sent;
    bool acknowledged_resent = false;  ///< a segment that was sent more than once was acknowledged

    bool is_reordered = false;  ///< a segment that was sent once was delivered after one of a higher sequence
    bool has_dsack = false;     ///< RFC 2883
    Sequence dsack_begin;
    Sequence dsack_end;
};

/// RACK's view of a time: segments sent before it, and longer ago than `age`, are lost. See Rack::limit().
struct LossLimit {
    Micros sent;   ///< the most recently sent segment that was delivered
    Sequence end;  ///< its end, which decides between segments of one burst
    Micros age;    ///< RACK.rtt + RACK.reo_wnd
};

struct LossMarks {
    std::uint32_t bytes = 0;  ///< newly marked lost
    std::optional<Micros>
        deadline;  ///< when the next segment will be old enough to be lost, if nothing arrives
};

/// A piece of the stream that is to be sent again.
struct SentSegment {
    Sequence begin;
    std::uint32_t length;
    std::uint8_t times_sent;
};

/// Records of the bytes from una() to next(), in sequence order, in a ring that takes its memory from an
/// arena. Each operation costs what it changes, not what is in flight.
///
/// Segments in flight are ordered by the time of their last transmission without a sorted list: segments sent
/// once are sent in sequence order, so a cursor in the ring is enough; those sent again are linked in the
/// order of their retransmission.
class SendRecords {
  public:
    /// Nothing is in flight; the next byte is `first`.
    explicit SendRecords(Sequence first) noexcept : una_(first), next_(first), highest_delivered_(first) {}
    SendRecords(const SendRecords&) = delete;
    SendRecords& operator=(const SendRecords&) = delete;
    /// release_memory() must have been called: the arena belongs to the caller.
    ~SendRecords() noexcept;

    Sequence una() const noexcept { return una_; }
    Sequence next() const noexcept { return next_; }
    bool empty() const noexcept { return head_ == tail_; }
    std::uint32_t segments() const noexcept { return tail_ - head_; }
    /// SND.NXT - SND.UNA
    std::uint32_t outstanding() const noexcept { return next_.value() - una_.value(); }
    std::uint32_t sacked() const noexcept { return sacked_; }  ///< bytes
    std::uint32_t lost() const noexcept { return lost_; }      ///< bytes marked lost and not yet sent again
    std::uint32_t sacked_segments() const noexcept { return sacked_segments_; }
    /// Bytes believed to be in the network: the pipe of RFC 6675.
    std::uint32_t flight() const noexcept {
        const std::uint32_t held = sacked_ + lost_ + assumed_;
        return held < outstanding() ? outstanding() - held : 0;
    }
    /// The oldest segment, which the retransmission timer and the user timeout watch. Not when empty.
    const SendRecord& first() const noexcept { return at(head_); }
    /// The segment of the highest sequence, which a tail loss probe repeats. Not when empty.
    const SendRecord& last() const noexcept { return at(tail_ - 1); }

    /// Records a new segment of `length` bytes (1 to 65535) at next(). False if neither the ring nor the
    /// arena has memory, or the ring would have more than `max_segments`: then the segment must not be sent.
    bool append(fifo::Arena& arena, std::uint32_t length, Micros now, std::uint32_t max_segments) noexcept;

    /// The peer acknowledges everything before `una`, which is within una() to next(). A record that is
    /// acknowledged in part becomes shorter, and is not a sample for RACK or the RTT.
    void acknowledge(Sequence una, const AckTime& time, Delivery& delivery) noexcept;

    /// Blocks of the SACK option, as they came, of a segment that acknowledges `ack`, after acknowledge().
    /// Blocks outside una() to next() are ignored; a record that is covered in part is split if there is
    /// room, and otherwise counts as not received, which costs a retransmission and nothing else.
    void mark_sacked(std::span<const wire::SackBlock> blocks, Sequence ack, const AckTime& time,
                     Delivery& delivery) noexcept;

    /// RFC 8985 6.2 step 5. The deadline is that of the segment that expires first, so that it is not late.
    LossMarks mark_lost(const LossLimit& limit, Micros now) noexcept;
    /// The retransmission timer expired: the first segment is lost, and so is what was sent longer ago than
    /// `age`, which is that of Rack::limit() (RFC 8985 6.3). If the peer reneged, all that it SACKed is lost.
    LossMarks mark_lost_on_timeout(Micros age, Micros now) noexcept;
    /// The retransmission timer expired, and the peer does not send SACK: everything is lost (RFC 5681 3.1).
    std::uint32_t mark_all_lost() noexcept;
    /// Fast retransmit without SACK: the first segment is lost (RFC 6582 3.2). Returns bytes.
    std::uint32_t mark_first_lost() noexcept;
    /// The path carries segments of at most `max_length` bytes now: longer ones that are in flight are lost.
    void mark_longer_lost(std::uint32_t max_length) noexcept;
    /// Loss was spurious: what is marked lost and was sent only once is in flight again.
    void unmark_lost() noexcept;

    /// The peer gave up data that it had SACKed: it acknowledged up to a SACKed segment, and not the segment
    /// itself (RFC 2018 8). It may be an ACK that was delayed in the network, so the timer decides.
    bool is_reneged() const noexcept { return !empty() && first().is_sacked; }

    /// A duplicate ACK without SACK: some segment after the first was delivered (RFC 6582). Counts until
    /// una() passes. Returns the bytes by which the flight shrank.
    std::uint32_t assume_delivered(std::uint32_t mss) noexcept;

    /// The lost segment of the lowest sequence, of at most `max_length` bytes.
    std::optional<SentSegment> next_lost(std::uint32_t max_length) noexcept;
    /// The segment from `begin` on was sent again, because it was lost or as a tail loss probe; `length` is
    /// that of next_lost(), or less. False if the rest cannot be recorded for want of memory: then it must
    /// not be sent.
    bool resend(Sequence begin, std::uint32_t length, Micros now) noexcept;

    /// A larger ring, after resend() found no room. False if the arena has no memory.
    bool make_room(fifo::Arena& arena) noexcept { return grow(arena); }

    /// Nothing is in flight, and the peer acknowledged bytes after next(): it took those of a window probe.
    void skip(std::uint32_t length) noexcept;

    /// Returns the memory; what was in flight is forgotten. una() and next() stay.
    void release_memory(fifo::Arena& arena) noexcept;
    void prefetch() const noexcept { __builtin_prefetch(records_ + (head_ & mask_), 1); }
    /// Bytes that the ring takes from the arena.
    std::size_t memory_size() const noexcept {
        return records_ == nullptr ? 0 : (std::size_t{mask_} + 1) * sizeof(SendRecord);
    }

    /// Derives everything from the ring and compares. Returns what is wrong, or nullptr. For tests: the cost
    /// is that of all that is in flight.
    const char* check_invariants() const noexcept;

  private:
    static constexpr std::uint32_t kMinRecords = 8;
    static constexpr std::uint32_t kReserve =
        2;  // for splits by resend(), so that a smaller path MTU cannot stop it
    static constexpr std::uint32_t kMaxMoves = 512;  // by a split: bounds what a hostile peer can cost
    static constexpr std::size_t kBlocks = 4;        // that fit into the option

    struct Block {
        Sequence left, right;
    };

    const SendRecord& at(std::uint32_t position) const noexcept { return records_[position & mask_]; }
    SendRecord& at(std::uint32_t position) noexcept { return records_[position & mask_]; }
    std::uint32_t capacity() const noexcept { return records_ == nullptr ? 0 : mask_ + 1; }
    bool grow(fifo::Arena& arena) noexcept;
    std::uint32_t find(Sequence sequence) const noexcept;
    std::optional<std::uint32_t> split(std::uint32_t position, std::uint32_t length,
                                       std::uint32_t reserve) noexcept;
    void move(std::uint32_t from, std::uint32_t to) noexcept;
    void link_newest(std::uint32_t position) noexcept;
    void link_after(std::uint32_t before, std::uint32_t added) noexcept;
    void unlink(std::uint32_t position) noexcept;
    void mark_lost_at(std::uint32_t position) noexcept;
    bool expire(std::uint32_t position, const LossLimit& limit, Micros now, LossMarks& marks) noexcept;
    std::uint32_t not_before_head(std::uint32_t position) const noexcept;
    void deliver(const SendRecord& record, const AckTime& time, Delivery& delivery) noexcept;
    bool sack_range(Sequence left, Sequence right, const AckTime& time, Delivery& delivery) noexcept;
    void shorten_first(Sequence una, Delivery& delivery) noexcept;
    std::uint32_t forget_sacked() noexcept;
    const char* check_record(std::uint32_t position) const noexcept;
    const char* check_resent() const noexcept;

    SendRecord* records_ = nullptr;
    std::uint32_t mask_ = 0;
    std::uint32_t head_ = 0;  // positions are free-running
    std::uint32_t tail_ = 0;
    Sequence una_;
    Sequence next_;
    Sequence highest_delivered_;  // RACK.fack
    std::uint32_t sacked_ = 0;
    std::uint32_t lost_ = 0;
    std::uint32_t assumed_ = 0;
    std::uint32_t sacked_segments_ = 0;
    std::uint32_t resent_ = 0;         // records that are linked
    std::uint32_t oldest_resent_ = 0;  // valid if there are any
    std::uint32_t newest_resent_ = 0;
    std::uint32_t first_original_ = 0;  // no record before this position is in flight for the first time
    std::uint32_t first_lost_ = 0;      // no record before this position is lost
    std::uint32_t last_found_ = 0;      // where the last block began: the next one is often close
    std::uint8_t known_blocks_ = 0;
    std::array<Block, kBlocks> known_{};  // blocks of the last ACK, ascending: what they cover is marked
};

}  // namespace l2echo::tcp
