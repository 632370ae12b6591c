// Services of UDP: echo (RFC 862) and discard (RFC 863).
#pragma once

#include "l2echo/stream/streams.hpp"
#include "service/datapath/counters.hpp"
#include "service/datapath/udp_guard.hpp"

namespace l2echo::service {

/// Sends each datagram back to its sender, from the address that it was sent to.
class UdpEcho final : public stream::Service {
  public:
    /// `guard` is the worker's, for all its services, and outlives this.
    explicit UdpEcho(UdpGuard& guard) noexcept : guard_(guard) {}
    ~UdpEcho() override;
    UdpEcho(const UdpEcho&) = delete;
    UdpEcho& operator=(const UdpEcho&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const UdpCounters& counters() const noexcept { return counters_; }

  private:
    UdpGuard& guard_;
    UdpCounters counters_{};
    bool admitted_ = false;  // the first datagram, which waits for space
};

/// Takes each datagram, and answers none.
class UdpDiscard final : public stream::Service {
  public:
    UdpDiscard() = default;
    ~UdpDiscard() override;
    UdpDiscard(const UdpDiscard&) = delete;
    UdpDiscard& operator=(const UdpDiscard&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const UdpCounters& counters() const noexcept { return counters_; }

  private:
    UdpCounters counters_{};
};

}  // namespace l2echo::service
