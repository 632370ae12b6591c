// The character generator of RFC 864, over TCP.
#pragma once

#include <cstdint>
#include <vector>

#include "l2echo/stream/streams.hpp"
#include "service/datapath/counters.hpp"

namespace l2echo::service {

/// Sends lines of 72 printable characters, each line one character further, as fast as the peer reads, until
/// the stream ends. What arrives is dropped. A peer that has closed its direction may go on reading.
class TcpChargen final : public stream::Service {
  public:
    /// `max_streams`: how many streams the worker has room for. Throws std::bad_alloc.
    explicit TcpChargen(std::uint32_t max_streams);
    ~TcpChargen() override;
    TcpChargen(const TcpChargen&) = delete;
    TcpChargen& operator=(const TcpChargen&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const TcpCounters& counters() const noexcept { return counters_; }

  private:
    std::vector<std::byte> lines_;         // all 95 of them
    std::vector<std::uint16_t> position_;  // by stream: of the next byte in lines_
    TcpCounters counters_{};
};

}  // namespace l2echo::service
