// What a service sees of the stack: streams of TCP and endpoints of UDP, each with two FIFOs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/fifo/byte_fifo.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::stream {

enum class Protocol : std::uint8_t { Tcp, Udp };

struct Endpoint {
    wire::IpAddress address{};  ///< version 0: any of ours
    std::uint16_t port = 0;     ///< host byte order

    friend bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
};

/// Names a stream of one worker. After its end, the index may name another one, of another generation: calls
/// with an id that names no stream do nothing, and return nothing or 0.
struct StreamId {
    std::uint32_t index = 0;  ///< below the number of streams that the worker has room for
    std::uint32_t generation = 0;

    friend bool operator==(const StreamId&, const StreamId&) noexcept = default;
};

enum class Event : std::uint8_t {
    Accepted = 1,     ///< a listener's new stream: it is open
    Connected = 2,    ///< connect() has succeeded
    Readable = 4,     ///< bytes or datagrams arrived
    Writable = 8,     ///< there is more space than before
    PeerClosed = 16,  ///< no byte follows those that are readable
    Ended = 32,       ///< the last event of the stream: reset, timed out, or closed by both ends
};

/// A set of events. Events are hints: what can be read and written is asked for, and may have changed.
class Events {
  public:
    constexpr Events() = default;
    constexpr Events(Event event) noexcept : bits_(static_cast<std::uint8_t>(event)) {}

    constexpr bool has(Event event) const noexcept { return (bits_ & static_cast<std::uint8_t>(event)) != 0; }
    constexpr bool any() const noexcept { return bits_ != 0; }
    constexpr Events& operator|=(Events other) noexcept {
        bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
        return *this;
    }
    friend constexpr Events operator|(Events a, Events b) noexcept { return a |= b; }
    friend constexpr bool operator==(Events, Events) = default;

  private:
    std::uint8_t bits_ = 0;
};

inline constexpr std::uint16_t kMaxUdpPayload = 65'507;  ///< that can be sent; IPv6 could have 20 bytes more

/// What precedes the bytes of a datagram in a FIFO.
struct DatagramHeader {
    Endpoint peer{};
    wire::IpAddress local{};  ///< the address that the peer used, or that the datagram is sent from
    std::uint16_t length = 0;
    std::uint8_t hop_limit = 0;              ///< received: as it arrived; to send: 0 is the default of 64
    std::uint8_t traffic_class = 0;          ///< DSCP and ECN
    std::chrono::nanoseconds received_at{};  ///< received: time of the burst, since 1970
};

struct Datagram {
    DatagramHeader header{};
    fifo::Bytes payload{};  ///< valid until the next call for this endpoint
};

/// The streams of one worker. All calls come from this worker. No call blocks or throws.
///
/// A TCP stream ends by close() or reset(), and with Event::Ended, after which its id is stale. An
/// endpoint of UDP is a stream, too: it has datagrams instead of bytes, and never ends by itself.
class Streams {
  public:
    virtual ~Streams();
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;

    // --- TCP

    /// The bytes that arrived and were not consumed. Valid until the next call for this stream.
    virtual fifo::Bytes readable(StreamId id) const noexcept = 0;
    /// Drops the first `count` of them, at most as many as there are.
    virtual void consume(StreamId id, std::size_t count) noexcept = 0;
    /// How many bytes write() takes now.
    virtual std::size_t writable(StreamId id) const noexcept = 0;
    /// Queues bytes to send and returns how many.
    virtual std::size_t write(StreamId id, std::span<const std::byte> bytes) noexcept = 0;
    /// Sends back what arrives, without a copy, from now on: nothing is readable or writable. Returns false
    /// if bytes were written before.
    virtual bool echo(StreamId id) noexcept = 0;
    /// No byte follows those that were written: sends a FIN after them.
    virtual void shut_down(StreamId id) noexcept = 0;
    /// The service leaves, and has no further event. What was written is still sent; bytes that arrive are
    /// refused with a RST.
    virtual void close(StreamId id) noexcept = 0;
    /// Ends at once, with a RST.
    virtual void reset(StreamId id) noexcept = 0;
    virtual Endpoint peer(StreamId id) const noexcept = 0;

    // --- UDP

    /// The oldest datagram; drop() removes it.
    virtual std::optional<Datagram> first_datagram(StreamId id) const noexcept = 0;
    virtual void drop(StreamId id) noexcept = 0;
    /// Queues a datagram of header.length bytes from header.local to header.peer. False, and nothing is
    /// queued, if there is no space, or the bytes do not fit into one packet. `bytes` are in one or two
    /// parts.
    virtual bool send(StreamId id, const DatagramHeader& header, const fifo::Bytes& bytes) noexcept = 0;

  protected:
    Streams() = default;
};

/// What serves the streams of a port, on one worker: each worker has its own.
class Service {
  public:
    virtual ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// Something happened to a stream of this service. `now` is the worker's time of this turn, and never
    /// decreases. Called once per stream and turn.
    virtual void on_events(Streams& streams, StreamId id, Events events,
                           std::chrono::microseconds now) noexcept = 0;

  protected:
    Service() = default;
};

}  // namespace l2echo::stream
