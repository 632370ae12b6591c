// What happens when, in virtual time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "l2echo/tcp/time.hpp"

namespace l2echo::sim {

enum class EventKind : std::uint8_t {
    Arrival,      ///< a packet reaches a host; `item` is the packet
    Timer,        ///< a host's timer wheel advances
    Open,         ///< a connection starts; `item` is its number
    Application,  ///< an application acts after a pause; `item` is the connection
    Stray,        ///< a packet from elsewhere is made; `item` says of which type
};

struct QueuedEvent {
    tcp::Micros at{};
    std::uint64_t order = 0;  // of insertion: what is due at the same time happens in this order
    std::uint32_t item = 0;
    EventKind kind = EventKind::Timer;
    std::uint8_t side = 0;  // of the host
};

class EventQueue {
  public:
    void add(tcp::Micros at, EventKind kind, std::uint8_t side, std::uint32_t item) {
        events_.push_back({at, next_order_++, item, kind, side});
        std::ranges::push_heap(events_, later);
    }
    bool empty() const noexcept { return events_.empty(); }
    std::size_t size() const noexcept { return events_.size(); }
    tcp::Micros next_time() const noexcept { return events_.front().at; }
    /// The earliest event; there must be one.
    QueuedEvent take() {
        std::ranges::pop_heap(events_, later);
        const QueuedEvent event = events_.back();
        events_.pop_back();
        return event;
    }

  private:
    static bool later(const QueuedEvent& a, const QueuedEvent& b) noexcept {
        return a.at != b.at ? a.at > b.at : a.order > b.order;
    }

    std::vector<QueuedEvent> events_;
    std::uint64_t next_order_ = 0;
};

}  // namespace l2echo::sim
