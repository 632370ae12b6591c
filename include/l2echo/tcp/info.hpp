// The state of one connection for reports.
#pragma once

#include <cstdint>

#include "l2echo/tcp/state.hpp"
#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

/// A copy, as Linux's TCP_INFO. Sizes are bytes unless noted otherwise.
struct Info {
    State state = State::Closed;
    bool sack = false;
    bool timestamps = false;
    bool window_scaling = false;
    bool in_recovery = false;

    std::uint32_t send_mss = 0;  ///< payload of a full segment
    std::uint32_t path_mtu = 0;
    std::uint32_t congestion_window = 0;
    std::uint32_t slow_start_threshold = 0;
    std::uint32_t flight = 0;  ///< sent and neither acknowledged, SACKed nor lost
    std::uint32_t send_window = 0;
    std::uint32_t receive_window = 0;
    std::uint32_t unsent = 0;
    std::uint32_t unacknowledged = 0;
    std::uint32_t unread = 0;
    std::uint32_t arena_bytes = 0;  ///< memory of the arena that FIFOs and records hold

    Micros smoothed_rtt{};  ///< 0: not measured yet
    Micros rtt_variation{};
    Micros min_rtt{};
    Micros retransmission_timeout{};

    std::uint64_t bytes_sent = 0;  ///< payload, with retransmissions
    std::uint64_t bytes_acknowledged = 0;
    std::uint64_t bytes_received = 0;  ///< payload in order
    std::uint32_t segments_sent = 0;   ///< data and FIN
    std::uint32_t segments_retransmitted = 0;
    std::uint32_t timeouts = 0;             ///< retransmission timeouts
    std::uint32_t recoveries = 0;           ///< episodes of fast recovery
    std::uint32_t undone = 0;               ///< spurious episodes whose congestion response was undone
    std::uint32_t probes = 0;               ///< tail loss probes
    std::uint32_t duplicates_received = 0;  ///< segments that brought nothing new
    std::uint32_t out_of_order = 0;         ///< segments behind a hole
    std::uint32_t refused_segments = 0;  ///< not acceptable: sequence, PAWS, ACK of unsent data, no timestamp
    std::uint32_t memory_refused = 0;    ///< segments dropped because the arena was empty
    std::uint32_t challenge_acks = 0;
};

}  // namespace l2echo::tcp
