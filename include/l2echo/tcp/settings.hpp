// What an operator may set of TCP. One object is shared by all connections of a listener or a client.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "l2echo/tcp/time.hpp"

namespace l2echo::tcp {

enum class CongestionAlgorithm : std::uint8_t {
    NewReno,  ///< RFC 5681, 6582
    Cubic,    ///< RFC 9438
};

/// Defaults follow the RFCs, and Linux where they leave a choice or where a comment says so. check_settings()
/// has the ranges.
struct Settings {
    // Options that are offered, and accepted from the peer.
    bool window_scaling = true;  ///< RFC 7323
    bool timestamps = true;      ///< RFC 7323
    bool sack = true;            ///< RFC 2018, 2883; without it there is no RACK-TLP (RFC 8985)

    // Sender
    CongestionAlgorithm congestion = CongestionAlgorithm::Cubic;
    bool hystart = true;    ///< HyStart++ (RFC 9406) ends slow start before it loses segments
    bool no_delay = false;  ///< no Nagle algorithm (RFC 9293 3.7.4)
    std::uint16_t initial_window_segments = 10;  ///< 1 to 100 (RFC 6928)
    std::uint16_t max_mss = 1460;  ///< bytes, 64 to 65495; the MTU less the headers bounds it as well
    std::uint16_t min_mss = 88;    ///< bytes, 28 to 1460: a smaller one from the peer is ignored
    std::uint32_t max_segments_in_flight = 16384;  ///< 16 to 2^20; each has a record of 32 bytes

    // Retransmission
    Micros initial_rto = std::chrono::seconds(1);     ///< 10 ms to 60 s (RFC 6298 2.1)
    Micros min_rto = std::chrono::milliseconds(200);  ///< 1 ms to 60 s; RFC 6298 has 1 s, Linux 200 ms
    Micros max_rto = std::chrono::seconds(120);       ///< min_rto to 1 h; RFC 6298 2.5 wants 60 s at least
    std::uint8_t syn_retries = 7;     ///< 1 to 20; 7 give up after 255 s (RFC 9293 3.8.3: 3 min at least)
    std::uint8_t synack_retries = 5;  ///< 1 to 20
    std::uint8_t retries = 15;        ///< 3 to 30: R2 of RFC 9293 3.8.3, in timeouts
    Micros user_timeout{0};           ///< 0 (none) or 100 ms to 24 h (RFC 5482)
    bool tail_loss_probe = true;      ///< RFC 8985 7

    // Receiver
    Micros ack_delay = std::chrono::milliseconds(40);  ///< 0 to 500 ms (RFC 9293 3.8.6.3)
    std::uint32_t min_buffer = 4096;              ///< bytes of a FIFO at first; power of two, 1 KiB to 1 MiB
    std::uint32_t max_receive_buffer = 4U << 20;  ///< bytes; power of two, min_buffer to 512 MiB
    std::uint32_t max_send_buffer = 4U << 20;     ///< bytes; power of two, min_buffer to 512 MiB

    // Keepalive (RFC 9293 3.8.4)
    bool keepalive = false;
    Micros keepalive_idle = std::chrono::hours(2);         ///< 1 s to 10 h
    Micros keepalive_interval = std::chrono::seconds(75);  ///< 1 s to 1 h
    std::uint8_t keepalive_probes = 9;                     ///< 1 to 100

    // Closing
    Micros time_wait = std::chrono::seconds(60);   ///< 1 s to 4 min: 2 MSL (RFC 9293 3.4.2 has 4 min)
    Micros fin_wait_2 = std::chrono::seconds(60);  ///< 1 s to 1 h, after close(); 0: no limit

    // Protection
    std::uint16_t challenge_acks_per_second = 10;  ///< 1 to 1000, per connection (RFC 5961 7)
    std::uint32_t max_half_open = 1024;     ///< 1 to 2^20 per listener; more get SYN cookies (RFC 4987)
    std::uint32_t max_accept_queue = 1024;  ///< 1 to 2^20 per listener
    bool syn_cookies = true;
};

/// Names the first setting that is out of its range, with the range; empty if there is none.
std::string_view check_settings(const Settings& settings) noexcept;

}  // namespace l2echo::tcp
