// Requests that are answered with their length.
#pragma once

#include <cstdint>
#include <vector>

#include "l2echo/stream/streams.hpp"
#include "service/datapath/counters.hpp"

namespace l2echo::service {

enum class Framing : std::uint8_t {
    Length,  ///< a request is a length in 4 bytes, big-endian, and as many bytes
    None,    ///< a request is what one turn of the worker finds readable
};

/// Answers each request with the number of its bytes, without those of the length: 8 bytes, big-endian.
/// Requests may be of any length, follow one another without waiting, and are not stored. While the peer does
/// not read its answers, no further request is taken.
class TcpLength final : public stream::Service {
  public:
    /// `max_streams`: how many streams the worker has room for. Throws std::bad_alloc.
    TcpLength(Framing framing, std::uint32_t max_streams);
    ~TcpLength() override;
    TcpLength(const TcpLength&) = delete;
    TcpLength& operator=(const TcpLength&) = delete;
    void on_events(stream::Streams& streams, stream::StreamId id, stream::Events events,
                   std::chrono::microseconds now) noexcept override;
    const TcpCounters& counters() const noexcept { return counters_; }

  private:
    struct Request {
        std::uint32_t length = 0;       // as far as it was read
        std::uint32_t missing = 0;      // bytes that are to come
        std::uint8_t length_bytes = 0;  // of the length that were read
        bool peer_closed = false;
    };

    /// False if the request has not arrived, or its answer does not fit now.
    bool answer_next(stream::Streams& streams, stream::StreamId id, Request& request) noexcept;
    bool read_request(stream::Streams& streams, stream::StreamId id, Request& request) noexcept;
    void answer(stream::Streams& streams, stream::StreamId id, std::uint64_t length) noexcept;

    Framing framing_;
    std::vector<Request> requests_;  // by stream
    TcpCounters counters_{};
};

}  // namespace l2echo::service
