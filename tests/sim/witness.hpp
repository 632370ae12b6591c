// Watches the segments of one connection, as somebody beside the wire does, and names what no right sender
// does.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "l2echo/tcp/sequence.hpp"
#include "l2echo/wire/tcp.hpp"
#include "schedule.hpp"

namespace l2echo::sim {

/// The numbers that a host has received, relative to the peer's SYN.
class DeliveredNumbers {
  public:
    void add(std::int64_t left, std::int64_t right);
    /// All numbers below this one were delivered.
    std::int64_t in_order() const noexcept { return in_order_; }
    bool contains(std::int64_t left, std::int64_t right) const noexcept;

  private:
    std::int64_t in_order_ = 0;
    std::vector<std::pair<std::int64_t, std::int64_t>> islands_;  // sorted, disjoint, beyond in_order_
};

class Witness {
  public:
    explicit Witness(bool ipv6) noexcept;

    /// A segment leaves a host. Returns what is wrong with it, or nullptr.
    const char* on_send(Side from, const wire::TcpHeader& header, std::size_t payload) noexcept;
    /// A segment of the peer reached a host, undamaged.
    void on_delivery(Side to, const wire::TcpHeader& header, std::size_t payload);

    /// A listener's cookies differ from SYN-ACK to SYN-ACK; this is the one that the client answered.
    void on_open(tcp::Sequence initial_send) noexcept;

    /// True if a segment that is about to leave carries bytes that were not sent before.
    bool is_new(Side from, const wire::TcpHeader& header, std::size_t payload) const noexcept;
    /// Position in the stream of the first byte of a segment: 0 is the byte after the SYN.
    std::int64_t position(Side from, std::uint32_t sequence) const noexcept;
    /// The sequence number after all that was delivered to this side in order.
    tcp::Sequence next_expected(Side to) const noexcept;
    /// The peer's FIN and all before it were delivered to this side.
    bool end_delivered(Side to) const noexcept;

  private:
    /// What one side sends, and what the other one says about it.
    struct Direction {
        tcp::Sequence initial;
        bool has_initial = false;
        bool reset = false;
        std::int64_t sent = 0;  // all numbers below were sent; relative to the SYN, which is 0
        std::int64_t end = 0;   // after the FIN; 0: not sent
        DeliveredNumbers delivered;
        std::int64_t acknowledged = 0;  // by the last ACK that the receiver has sent
        std::int64_t offered = 0;       // the right edge of the window that the receiver has offered
        std::int64_t allowed = 0;       // the furthest right edge that has reached the sender
        wire::TcpOptions options;       // of the SYN
    };

    static std::int64_t relative(const Direction& direction, std::uint32_t sequence) noexcept;
    static std::int64_t end_of(std::int64_t begin, const wire::TcpHeader& header,
                               std::size_t payload) noexcept;
    unsigned scale_of(Side from, const wire::TcpHeader& header) const noexcept;
    const char* check_acknowledgment(Side from, const wire::TcpHeader& header) noexcept;
    const char* check_sack(const Direction& peer, const wire::TcpHeader& header) const noexcept;
    const char* check_data(Side from, const wire::TcpHeader& header, std::size_t payload) noexcept;

    std::array<Direction, 2> directions_;
    std::uint16_t default_mss_;
};

}  // namespace l2echo::sim
