// One direction of the wire, with the impairments of a schedule.
#pragma once

#include <cstdint>
#include <vector>

#include "event_queue.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "packet.hpp"
#include "random.hpp"
#include "schedule.hpp"

namespace l2echo::sim {

struct WireCounts {
    std::uint64_t sent = 0;
    std::uint64_t lost = 0;  ///< by any cause
    std::uint64_t corrupted = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t acks_held = 0;  ///< replaced by a later ACK
    std::uint64_t too_big = 0;
    std::uint64_t queue_full = 0;
    std::uint64_t windows_shrunk = 0;
};

class ImpairedWire {
  public:
    /// `from` sends. Arrivals go into the queue, times of the schedule count from `start`.
    ImpairedWire(const Schedule& schedule, Side from, tcp::Micros start, EventQueue& queue,
                 PacketStore& packets);

    /// Takes a segment of the host `from`, whose tuple it is.
    void send(const tcp::Tuple& tuple, tcp::OutgoingSegment segment, tcp::Micros now);

    const WireCounts& counts() const noexcept { return counts_; }

  private:
    struct HeldAck {
        tcp::Tuple tuple;
        tcp::Micros until{};
        std::uint32_t packet = 0;
    };

    bool between(Key start, Key length, tcp::Micros now) const noexcept;
    bool is_healed(tcp::Micros now) const noexcept;
    bool is_lost(tcp::Micros now);
    void shrink_window(wire::TcpHeader& header, tcp::Micros now);
    bool is_too_big(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, tcp::Micros now);
    bool hold(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment, tcp::Micros now);
    void deliver(std::uint32_t packet, tcp::Micros departure, bool late, tcp::Micros now);
    void damage(std::vector<std::byte>& bytes);

    const Schedule& schedule_;
    Side from_;
    tcp::Micros start_;
    EventQueue& queue_;
    PacketStore& packets_;
    Random random_;
    WireCounts counts_;
    tcp::Micros burst_until_{};
    tcp::Micros line_free_at_{};  // when the last bit of what was sent before leaves
    tcp::Micros last_arrival_{};  // jitter does not reorder
    std::vector<HeldAck> held_;
};

}  // namespace l2echo::sim
