// Reports, and what must hold between calls.
#include <algorithm>

#include "l2echo/tcp/connection.hpp"

namespace l2echo::tcp {

Info Connection::info() const noexcept {
    Info info;
    info.state = state_;
    info.sack = sack_;
    info.timestamps = timestamps_;
    info.window_scaling = scaling_;
    info.in_recovery = phase_ != Phase::Open;
    info.send_mss = send_mss_;
    info.path_mtu = path_mtu_;
    info.congestion_window = congestion_.window();
    info.slow_start_threshold = congestion_.slow_start_threshold();
    info.flight = records_.flight();
    info.send_window = static_cast<std::uint32_t>(std::max(0, send_edge_ - records_.una()));
    info.receive_window = bytes_between(receive_next_, receive_edge_);
    info.unsent = unsent();
    info.unacknowledged = records_.outstanding();
    info.unread = static_cast<std::uint32_t>(readable());
    info.arena_bytes =
        static_cast<std::uint32_t>(receive_fifo_.capacity() + send_fifo_.capacity() + records_.memory_size());
    info.smoothed_rtt = rtt_.smoothed();
    info.rtt_variation = rtt_.variation();
    info.min_rtt = rtt_.has_sample() ? rtt_.min_rtt() : Micros(0);
    info.retransmission_timeout = rtt_.rto();
    info.bytes_sent = bytes_sent_;
    info.bytes_acknowledged = bytes_acknowledged_;
    info.bytes_received = bytes_received_ + bytes_between(counted_, receive_next_);
    info.segments_sent = segments_sent_;
    info.segments_retransmitted = segments_retransmitted_;
    info.timeouts = timeouts_;
    info.recoveries = recoveries_;
    info.undone = undone_;
    info.probes = probes_;
    info.duplicates_received = duplicates_received_;
    info.out_of_order = out_of_order_received_;
    info.refused_segments = refused_segments_;
    info.memory_refused = memory_refused_;
    info.challenge_acks = challenge_acks_;
    return info;
}

TimeWaitState Connection::time_wait_state() const noexcept {
    return {.next = records_.next(),
            .receive_next = receive_next_,
            .timestamps = timestamps_,
            .recent = recent_timestamp_,
            .clock = clock_};
}

const char* Connection::broken_invariant() const noexcept {
    if (const char* broken = records_.check_invariants())
        return broken;
    if (state_ == State::SynSent)
        return nullptr;
    if (records_.outstanding() > send_fifo().size() + (fin_sent_ ? 1 : 0))
        return "the bytes in flight are in the send FIFO";
    if (receive_next_ > receive_edge_)
        return "RCV.NXT is within the window that was advertised";
    if (last_ack_sent_ > receive_next_)
        return "only bytes that arrived are acknowledged";
    if (fin_sent_ && !shutdown_)
        return "a FIN is sent only after shutdown()";
    if (fin_received_ && (!fin_known_ || receive_next_ != peer_fin_ + 1))
        return "nothing follows the peer's FIN";
    if (receive_fifo_.size() > receive_fifo_.capacity() || send_fifo_.size() > send_fifo_.capacity())
        return "a FIFO holds no more than its capacity";
    if (state_ != State::Closed && is_synchronized() && !records_.empty() && retransmission_at_ == kNever)
        return "the retransmission timer runs while bytes are in flight";
    if (window_probing_ && !records_.empty())
        return "the window is probed only while nothing is in flight";
    if (const char* broken = broken_memory())
        return broken;
    return broken_state();
}

const char* Connection::broken_memory() const noexcept {
    if (records_.empty() && send_fifo().size() == 0 && records_.memory_size() > 0)
        return "without bytes in flight, no memory is held for records";
    if (send_fifo_.size() == 0 && send_fifo_.capacity() > 0)
        return "an empty send FIFO holds no memory";
    const bool has_holes = has_holes_;
    if (has_holes == out_of_order_.empty())
        return "has_holes_ is known";
    if (receive_fifo_.size() == 0 && out_of_order_.empty() && receive_fifo_.capacity() > 0)
        return "an empty receive FIFO holds no memory";
    return nullptr;
}

const char* Connection::broken_state() const noexcept {
    switch (state_) {
        case State::Established:
            return shutdown_ || fin_received_ ? "ESTABLISHED is before both FINs" : nullptr;
        case State::CloseWait:
            return shutdown_ || !fin_received_ ? "CLOSE-WAIT is after the peer's FIN and before ours"
                                               : nullptr;
        case State::FinWait1:
            return !shutdown_ || fin_received_ ? "FIN-WAIT-1 is after our FIN and before the peer's"
                                               : nullptr;
        case State::FinWait2:
            return !fin_sent_ || !records_.empty() || fin_received_ ? "FIN-WAIT-2 is after the ACK of our FIN"
                                                                    : nullptr;
        case State::Closing:
        case State::LastAck:
            return !shutdown_ || !fin_received_ ? "CLOSING and LAST-ACK are after both FINs" : nullptr;
        case State::TimeWait:
            if (close_at_ == kNever)
                return "TIME-WAIT ends";
            return !fin_sent_ || !fin_received_ || !records_.empty()
                       ? "TIME-WAIT is after all was acknowledged"
                       : nullptr;
        case State::Closed:
            return deadline() ? "no timer runs in CLOSED" : nullptr;
        default:
            return nullptr;
    }
}

}  // namespace l2echo::tcp
