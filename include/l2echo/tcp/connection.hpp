// One TCP connection (RFC 9293) as a pure state machine: segments, calls of the application and a time come
// in; events and segments come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/fifo/byte_fifo.hpp"
#include "l2echo/fifo/intervals.hpp"
#include "l2echo/tcp/challenge_limit.hpp"
#include "l2echo/tcp/congestion.hpp"
#include "l2echo/tcp/events.hpp"
#include "l2echo/tcp/handshake.hpp"
#include "l2echo/tcp/icmp_error.hpp"
#include "l2echo/tcp/info.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/prr.hpp"
#include "l2echo/tcp/rack.hpp"
#include "l2echo/tcp/rtt_estimator.hpp"
#include "l2echo/tcp/send_records.hpp"
#include "l2echo/tcp/sequence.hpp"
#include "l2echo/tcp/settings.hpp"
#include "l2echo/tcp/state.hpp"
#include "l2echo/tcp/tail_loss_probe.hpp"
#include "l2echo/tcp/time.hpp"
#include "l2echo/tcp/time_wait.hpp"
#include "l2echo/tcp/timestamp_clock.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "l2echo/wire/tcp.hpp"

namespace l2echo::tcp {

/// How an active connection starts.
struct ActiveOpen {
    Sequence initial_send;  ///< from initial_sequence()
    TimestampClock clock;   ///< of our TSval, from timestamp_clock()
};

/// The memory of a connection is its object and what it takes from the arena while bytes are unread or
/// unacknowledged. All calls for one connection come from one thread, and `now` never decreases between them;
/// it may count from any instant. No call throws, blocks, or asks for the time.
///
/// After each call that takes `now`, and after write(), read(), shutdown(), close() and abort(): call
/// next_segment() until it returns nothing, and then deadline(). Both may wait until the end of a turn: what
/// is not called for stays.
class alignas(64) Connection {
  public:
    /// Opens actively: the first segment is the SYN. `mtu` is the link's, in bytes with IP header, 576 to
    /// 65535 for IPv4 and at least 1280 for IPv6. Settings and arena must outlive the connection.
    Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
               const ActiveOpen& open, Micros now) noexcept;
    /// Continues a passive handshake in SYN-RECEIVED. Pass the segment that completed it to receive() next.
    Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
               const Handshake& handshake, Micros now) noexcept;
    /// Returns all memory to the arena. Sends nothing: abort() does.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // --- The wire

    /// Takes one segment of this tuple whose checksum is right. `payload` may be of any length; what does not
    /// fit into the window is dropped.
    Events receive(const wire::TcpHeader& header, std::span<const std::byte> payload, Micros now) noexcept;
    /// The next segment to send, or nothing. Each returned segment counts as sent, so ask only while there is
    /// room for it; a segment that is dropped afterwards is a lost one. In CLOSED, the only segment is a RST.
    std::optional<OutgoingSegment> next_segment(Micros now) noexcept;
    /// When to call expire(): the earliest deadline, which may have passed already. Empty: no timer runs.
    std::optional<Micros> deadline() const noexcept;
    /// Acts on all deadlines that are not later than `now`. Does nothing if there are none.
    Events expire(Micros now) noexcept;
    /// Takes an ICMP error. Errors that quote a sequence number that is not in flight are ignored (RFC 5927).
    Events on_icmp(const IcmpError& error, Micros now) noexcept;

    /// Starts to load what any segment needs; worth it some segments ahead.
    void prefetch() const noexcept { prefetch(0, kAckLines); }
    /// The same, once prefetch() has arrived, for what an ACK needs of which bytes are in flight.
    void prefetch_in_flight() const noexcept {
        if (records_.empty())
            return;
        prefetch(kAckLines, kPeerAckLines);
        records_.prefetch();
    }

    // --- The application

    /// Queues bytes to send and returns how many: fewer if the FIFO is full or the arena is empty, 0 after
    /// shutdown(). Bytes may be queued before the connection is open.
    std::size_t write(std::span<const std::byte> bytes) noexcept;
    /// Takes up to bytes.size() received bytes and returns how many.
    std::size_t read(std::span<std::byte> bytes) noexcept;
    /// The received bytes without taking them, and taking them without copying. The spans are valid until the
    /// next call of a member that is not const. `count` must not exceed readable().
    fifo::Bytes peek() const noexcept;
    void consume(std::size_t count) noexcept;
    std::size_t readable() const noexcept;  ///< bytes that read() can take now
    std::size_t writable() const noexcept;  ///< bytes that write() would take now if the arena has memory
    /// True after Event::PeerClosed: once readable() is 0, no byte will follow.
    bool peer_closed() const noexcept;

    /// Sends back what arrives, without a copy: the receive FIFO is the send FIFO from now on. read() and
    /// write() return 0. The end of the peer's stream is not echoed: call shutdown() on PeerClosed. After
    /// shutdown(), bytes that arrive are answered by a RST. Returns false, and does nothing, if bytes were
    /// written that the peer has not acknowledged, or after shutdown().
    bool echo() noexcept;

    /// Sends a FIN after all queued bytes. Receiving continues.
    void shutdown() noexcept;
    /// The application leaves. Queued bytes and a FIN are sent; bytes that arrive from now on are answered by
    /// a RST, and so is this call if bytes are unread (RFC 2525 2.17). With linger set, see set_linger().
    void close(Micros now) noexcept;
    /// Ends at once: a RST is sent, and the state is CLOSED.
    void abort() noexcept;

    /// Sends small segments at once (true) or waits for an ACK while data is in flight (Nagle, the default).
    void set_no_delay(bool on) noexcept;
    /// Probes an idle peer, with the times of the settings. Off by default (RFC 9293 3.8.4).
    void set_keepalive(bool on, Micros now) noexcept;
    /// How long sent bytes may stay unacknowledged (RFC 5482), 24 h at most; 0: as the settings say for R2.
    void set_user_timeout(Micros timeout) noexcept;
    /// How long close() may take until a RST is sent, 24 h at most; 0: close() is abort(); empty: no limit
    /// (the default).
    void set_linger(std::optional<Micros> timeout) noexcept;

    // --- Inspection

    State state() const noexcept;
    const Tuple& tuple() const noexcept;
    Info info() const noexcept;
    /// After Event::TimeWait: what a TimeWaitTable needs to take over.
    TimeWaitState time_wait_state() const noexcept;
    /// Names the first invariant that does not hold; nullptr if all hold. For tests: it walks all records.
    const char* broken_invariant() const noexcept;

  private:
    static constexpr Micros kNever = Micros::max();
    // Cache lines, see the order of the members.
    static constexpr std::size_t kLine = 64;
    static constexpr std::size_t kSegmentLines = 2;
    static constexpr std::size_t kAckLines = 4;
    static constexpr std::size_t kPeerAckLines = 9;

    void prefetch(std::size_t begin, std::size_t end) const noexcept {
        for (std::size_t line = begin; line < end; ++line)
            __builtin_prefetch(reinterpret_cast<const char*>(this) + line * kLine, 1);
    }

    /// Loss recovery of the sender.
    enum class Phase : std::uint8_t {
        Open,      ///< no known loss
        Recovery,  ///< fast recovery: Prr decides what is sent
        Loss,      ///< after a retransmission timeout: slow start
    };

    /// One arriving segment while it is processed. What is outside the window is cut off.
    struct Arrival {
        const wire::TcpHeader& header;
        Sequence begin;  ///< of the payload
        std::span<const std::byte> payload;
        bool fin;
        Micros now;

        std::uint32_t payload_length() const noexcept { return static_cast<std::uint32_t>(payload.size()); }
        Sequence payload_end() const noexcept { return begin + payload_length(); }
    };

    Connection(const Settings& settings, fifo::Arena& arena, const Tuple& tuple, std::uint16_t mtu,
               Sequence initial_send, TimestampClock clock, bool is_passive) noexcept;

    // state_machine.cpp: what an arriving segment does to the state
    void receive_in_syn_sent(Arrival& arrival) noexcept;
    void receive_synchronized(Arrival& arrival) noexcept;
    bool accept_timestamp(const Arrival& arrival) noexcept;
    bool accept_sequence(Arrival& arrival) noexcept;
    bool accept_acknowledgment(const Arrival& arrival) noexcept;
    void refuse(const Arrival& arrival) noexcept;
    void challenge(Micros now) noexcept;
    void take_reset(const Arrival& arrival) noexcept;
    void reset_wrong_acknowledgment(const wire::TcpHeader& header) noexcept;
    void agree_on(const wire::TcpOptions& options) noexcept;
    void establish(const Arrival& arrival) noexcept;
    void start_with_one_segment() noexcept;
    void take_fin(Micros now) noexcept;
    void after_our_fin_was_acknowledged(Micros now) noexcept;
    void enter_time_wait(Micros now) noexcept;
    void end(Events why) noexcept;
    void end_with_reset(Events why) noexcept;

    // receiver.cpp: payload, window, acknowledgments
    void start_receiving(Sequence first) noexcept;
    void take_payload(const Arrival& arrival) noexcept;
    void take_in_order(std::span<const std::byte> payload, Micros now) noexcept;
    void take_out_of_order(Sequence begin, std::span<const std::byte> payload) noexcept;
    void write_holes(Sequence begin, std::span<const std::byte> payload) noexcept;
    void advance(std::uint32_t bytes) noexcept;
    std::uint32_t hold(std::uint32_t bytes) noexcept;
    void refuse_for_memory() noexcept;
    void note_duplicate(Sequence begin, Sequence end) noexcept;
    void acknowledge_later(Micros now) noexcept;
    void tune_receive_window(Micros now) noexcept;
    void count_received() noexcept;
    std::uint32_t receive_room() const noexcept;
    std::uint16_t advertise_window() noexcept;
    void after_bytes_were_taken() noexcept;
    std::uint32_t sack_blocks() const noexcept;
    void write_sack_blocks(wire::TcpOptions& options) const noexcept;

    // sender.cpp: acknowledgments, loss detection and recovery
    void take_acknowledgment(const Arrival& arrival) noexcept;
    void adapt_window(const Delivery& delivery, bool advanced, Micros now) noexcept;
    bool update_send_window(const Arrival& arrival) noexcept;
    void take_acknowledged_bytes(std::uint32_t bytes) noexcept;
    bool take_probed_byte() noexcept;
    void sample_round_trip(const Delivery& delivery, Micros now) noexcept;
    void count_duplicate(Delivery& delivery) noexcept;
    void find_losses(Micros now) noexcept;
    void find_losses_without_sack(bool advanced) noexcept;
    void enter_recovery(const Delivery& delivery) noexcept;
    void leave_recovery() noexcept;
    void remember_for_undo(bool is_timeout) noexcept;
    void undo_if_spurious(const Arrival& arrival, const Delivery& delivery, bool advanced) noexcept;
    void restart_timers(bool advanced, Micros now) noexcept;

    // output.cpp: the next segment
    std::optional<OutgoingSegment> handshake_segment(Micros now) noexcept;
    std::optional<OutgoingSegment> reset_segment() noexcept;
    std::optional<OutgoingSegment> lost_segment(Micros now) noexcept;
    std::optional<OutgoingSegment> new_segment(Micros now) noexcept;
    std::optional<OutgoingSegment> tail_probe(Micros now) noexcept;
    std::optional<OutgoingSegment> window_probe(Micros now) noexcept;
    std::optional<OutgoingSegment> keepalive_probe(Micros now) noexcept;
    std::optional<OutgoingSegment> acknowledgment(Micros now) noexcept;
    OutgoingSegment segment_at(Sequence begin, std::uint32_t length, Micros now) noexcept;
    void write_header(wire::TcpHeader& header, Sequence sequence, Micros now) noexcept;
    void note_acknowledged() noexcept;
    void note_resent(Sequence begin, Sequence end, Micros now) noexcept;
    std::uint32_t full_payload() const noexcept;
    std::uint32_t sendable(std::uint32_t waiting, bool fin_due) const noexcept;
    bool congestion_admits(std::uint32_t length, bool is_repeated) const noexcept;
    void after_sending(Micros now) noexcept;

    // timers.cpp
    void arm_handshake(Micros now) noexcept;
    void arm_retransmission(Micros now) noexcept;
    void arm_tail_probe(Micros now) noexcept;
    void arm_window_probe(Micros now) noexcept;
    void stop_window_probe() noexcept;
    void stop_sending_timers() noexcept;
    void expire_reordering(Micros now) noexcept;
    void expire_probe(Micros now) noexcept;
    void expire_retransmission(Micros now) noexcept;
    void expire_handshake(Micros now) noexcept;
    void expire_window_probe(Micros now) noexcept;
    void expire_keepalive(Micros now) noexcept;
    void expire_close() noexcept;
    bool gives_up(std::uint8_t retries, Micros elapsed) noexcept;

    // path_mtu.cpp
    void use_peer_mss(std::uint16_t mss) noexcept;
    std::uint16_t segment_size(std::uint32_t mtu) const noexcept;
    void set_path_mtu(std::uint32_t mtu) noexcept;
    void raise_path_mtu() noexcept;
    void reduce_path_mtu(const IcmpError& error, Micros now) noexcept;

    // connection.cpp
    fifo::ByteFifo& send_fifo() noexcept { return echo_ ? receive_fifo_ : send_fifo_; }
    const fifo::ByteFifo& send_fifo() const noexcept { return echo_ ? receive_fifo_ : send_fifo_; }
    std::uint32_t unsent() const noexcept;
    bool fin_is_due() const noexcept { return shutdown_ && !fin_sent_; }
    /// Nothing waits to be sent or acknowledged, so an ACK that was seen before means nothing.
    bool is_quiet() const noexcept {
        return send_fifo().empty() && !fin_sent_ && !can_undo_ && !window_probing_ && attempts_ == 0;
    }
    bool is_synchronized() const noexcept { return state_ > State::SynReceived; }
    const char* broken_memory() const noexcept;
    const char* broken_state() const noexcept;
    void release_idle_memory() noexcept;
    void release_send_memory() noexcept;
    void release_all_memory() noexcept;

    // --- Two cache lines: what a segment in order needs while nothing is in flight
    const Settings* settings_;
    fifo::Arena* arena_;
    State state_ = State::Closed;
    Phase phase_ = Phase::Open;
    std::uint8_t send_scale_ = 0;               // shift of the peer's windows
    std::uint8_t receive_scale_ = 0;            // shift of our windows
    std::uint8_t segments_unacknowledged_ = 0;  // with payload, since our last ACK
    std::uint8_t attempts_ = 0;                 // timeouts or probes in a row without an answer
    std::uint16_t send_mss_ = 0;                // payload of a full segment without SACK blocks
    // What was agreed and set
    bool sack_ : 1 = false;
    bool timestamps_ : 1 = false;
    bool scaling_ : 1 = false;
    bool no_delay_ : 1 = false;
    bool echo_ : 1 = false;
    bool keepalive_ : 1 = false;
    // Closing
    bool shutdown_ : 1 = false;  // the application has no more bytes
    bool left_ : 1 = false;      // the application called close(): nobody will read
    bool fin_sent_ : 1 = false;
    bool fin_received_ : 1 = false;  // in order
    bool fin_known_ : 1 = false;     // peer_fin_ is valid: the FIN came, maybe before other bytes
    // What next_segment() owes
    bool ack_now_ : 1 = false;
    bool syn_due_ : 1 = false;
    bool reset_due_ : 1 = false;
    bool reset_has_ack_ : 1 = false;
    bool tail_probe_due_ : 1 = false;
    bool resend_now_ : 1 = false;  // after a timeout, the first lost segment may exceed the congestion window
    bool window_probe_due_ : 1 = false;
    bool window_probe_sent_ : 1 = false;  // the peer may acknowledge one byte after next()
    bool window_probing_ : 1 = false;     // probe_at_ is the window probe's
    bool keepalive_due_ : 1 = false;
    bool override_ : 1 = false;  // the timer of silly window avoidance expired: send what the window admits
    bool duplicate_due_ : 1 = false;  // duplicate_ is the first SACK block of the next ACK (RFC 2883)
    bool has_holes_ : 1 = false;      // out_of_order_ is not empty
    bool can_undo_ : 1 = false;       // before_loss_ is valid
    bool undo_timeout_ : 1 = false;   // it is from before a timeout
    bool has_resent_ : 1 = false;     // resent_timestamp_ is valid
    Events events_;
    std::uint16_t local_port_;
    std::uint32_t receive_capacity_;  // to which the receive FIFO grows: receive_limit() of it is the window
    Sequence receive_next_;           // RCV.NXT
    Sequence receive_edge_;           // the right edge of the window that we advertised: never moves left
    Sequence last_ack_sent_;          // Last.ACK.sent of RFC 7323
    std::uint32_t recent_timestamp_ = 0;  // TS.Recent
    std::uint32_t recent_second_ = 0;     // when it was taken
    Micros ack_at_ = kNever;              // deadline of the delayed ACK

    fifo::ByteFifo receive_fifo_;
    fifo::ByteFifo send_fifo_;           // its head is the byte at una()
    Sequence send_edge_;                 // the right edge of the peer's window
    Sequence window_sequence_;           // SND.WL1
    Sequence window_ack_;                // SND.WL2
    std::uint32_t max_send_window_ = 0;  // MAX.SND.WND

    // --- Two more: what an ACK of ours needs, and the deadlines; kNever: not armed
    Micros retransmission_at_ = kNever;  // of data, SYN and FIN
    Micros probe_at_ = kNever;           // tail loss probe or window probe: never both
    Micros reordering_at_ = kNever;
    Micros keepalive_at_ = kNever;
    Micros close_at_ = kNever;  // end of TIME-WAIT, FIN-WAIT-2 or linger
    // Autotuning of the receive window
    Micros tune_at_{0};
    Sequence tune_begin_;  // RCV.NXT one round trip before tune_at_
    Sequence counted_;     // RCV.NXT of bytes_received_
    TimestampClock clock_;
    std::uint16_t remote_port_;
    SendRecords records_;

    // --- Five more: what an ACK of the peer needs
    Sequence recovery_point_;
    TailLossProbe tail_probe_;
    RttEstimator rtt_;
    Congestion congestion_;
    Rack rack_;
    std::uint64_t bytes_sent_ = 0;
    std::uint64_t bytes_acknowledged_ = 0;
    std::uint64_t bytes_received_ = 0;  // up to counted_
    Micros last_sent_at_{0};
    Micros user_timeout_;
    Micros path_mtu_raise_at_ = kNever;
    std::uint32_t segments_sent_ = 0;

    // --- Recovery, out-of-order bytes and other rare things
    Prr prr_;
    fifo::OutOfOrderIntervals out_of_order_;
    Sequence duplicate_begin_;
    Sequence duplicate_end_;
    Sequence peer_fin_;
    // Undo of a spurious response to loss
    Congestion::State before_loss_{};
    Sequence undo_una_;                   // a DSACK counts if it reports bytes from here
    Sequence undo_limit_;                 // up to here: from the first retransmission to the last
    Sequence undo_end_;                   // until these bytes are acknowledged
    std::uint32_t resent_segments_ = 0;   // in this episode and not reported as duplicate
    std::uint32_t resent_timestamp_ = 0;  // TSval of the first of them
    Sequence resent_end_;                 // where that one ends

    std::uint8_t duplicates_ = 0;      // duplicate ACKs in a row, without SACK
    std::uint8_t window_backoff_ = 0;  // of the window probe
    std::uint8_t keepalive_probes_ = 0;
    bool is_ipv6_;
    bool is_passive_;
    bool has_linger_ = false;
    std::uint16_t peer_mss_ = 536;
    std::uint16_t link_mtu_;
    std::uint16_t path_mtu_;
    Sequence initial_send_;
    Sequence initial_receive_;
    Sequence reset_sequence_;
    ChallengeLimit challenge_limit_;
    Micros handshake_sent_at_{0};
    Micros linger_{0};
    Micros waiting_since_{0};  // the handshake runs, or the window probe is armed, since then
    // Counters of Info
    std::uint32_t segments_retransmitted_ = 0;
    std::uint32_t timeouts_ = 0;
    std::uint32_t recoveries_ = 0;
    std::uint32_t undone_ = 0;
    std::uint32_t probes_ = 0;
    std::uint32_t duplicates_received_ = 0;
    std::uint32_t out_of_order_received_ = 0;
    std::uint32_t refused_segments_ = 0;
    std::uint32_t memory_refused_ = 0;
    std::uint32_t challenge_acks_ = 0;
    Tuple tuple_;
};

}  // namespace l2echo::tcp
