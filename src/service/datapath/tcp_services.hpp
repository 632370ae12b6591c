// Services of TCP without state of their own: echo (RFC 862) and discard (RFC 863).
#pragma once

#include "l2echo/stream/streams.hpp"
#include "service/datapath/counters.hpp"

namespace l2echo::service {

/// Sends back what arrives, without a copy, until the peer closes.
class TcpEcho final : public stream::Service {
  public:
    TcpEcho() = default;
    ~TcpEcho() override;
    TcpEcho(const TcpEcho&) = delete;
    TcpEcho& operator=(const TcpEcho&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const TcpCounters& counters() const noexcept { return counters_; }

  private:
    TcpCounters counters_{};
};

/// Takes what arrives and answers nothing, until the peer closes.
class TcpDiscard final : public stream::Service {
  public:
    TcpDiscard() = default;
    ~TcpDiscard() override;
    TcpDiscard(const TcpDiscard&) = delete;
    TcpDiscard& operator=(const TcpDiscard&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const TcpCounters& counters() const noexcept { return counters_; }

  private:
    TcpCounters counters_{};
};

}  // namespace l2echo::service
