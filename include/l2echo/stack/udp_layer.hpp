// UDP of one worker: its endpoints, with a FIFO of datagrams each way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/fifo/byte_fifo.hpp"
#include "l2echo/stream/streams.hpp"

namespace l2echo::stack {

struct UdpLayerSettings {
    std::uint32_t receive_buffer = 256 * 1024;  ///< bytes per endpoint, with about 64 for each datagram
    std::uint32_t send_buffer = 256 * 1024;     ///< the same
};

/// The outcome of a datagram.
enum class UdpOutcome : std::uint8_t {
    Delivered,
    NoEndpoint,  ///< nothing is bound to the port: the caller may answer by an ICMP error
    NoSpace,     ///< the receive FIFO is full
};

/// A datagram whose checksum is right.
struct IncomingDatagram {
    stream::DatagramHeader header{};
    std::uint16_t local_port = 0;
    std::span<const std::byte> payload{};
};

/// Per turn, as TcpLayer: receive(), run_services(), send(). All calls come from one worker.
///
/// `Output` is what send() writes datagrams to:
///   bool has_room() noexcept;
///   void send(std::uint16_t local_port, const stream::DatagramHeader&, const fifo::Bytes&) noexcept;
class UdpLayer {
  public:
    /// Endpoints are streams whose index is `first_index` plus their number. The arena must outlive the
    /// layer.
    UdpLayer(const UdpLayerSettings& settings, fifo::Arena& arena, std::uint32_t first_index);
    ~UdpLayer();
    UdpLayer(const UdpLayer&) = delete;
    UdpLayer& operator=(const UdpLayer&) = delete;

    /// Nothing if the address and port are in use, or the arena has no memory for the FIFOs. `service` must
    /// outlive the layer.
    std::optional<stream::StreamId> bind(const stream::Endpoint& local, stream::Service& service);

    UdpOutcome receive(const IncomingDatagram& datagram) noexcept;
    void run_services(stream::Streams& streams, std::chrono::microseconds now) noexcept;

    /// True if nothing waits for room.
    template <typename Output>
    bool send(Output& output) noexcept {
        for (const auto& endpoint : endpoints_)
            while (const auto datagram = first(endpoint->sending)) {
                if (!output.has_room())
                    return false;
                output.send(endpoint->local.port, datagram->header, datagram->payload);
                drop(endpoint->sending);
                if (std::exchange(endpoint->wants_space, false))
                    endpoint->events |= stream::Event::Writable;
            }
        return true;
    }

    // --- For services: see stream::Streams

    std::optional<stream::Datagram> first_datagram(stream::StreamId id) const noexcept;
    void drop(stream::StreamId id) noexcept;
    bool send(stream::StreamId id, const stream::DatagramHeader& header, const fifo::Bytes& bytes) noexcept;

    std::uint64_t received() const noexcept { return received_; }
    std::uint64_t no_space() const noexcept { return no_space_; }

  private:
    struct BoundEndpoint {
        stream::Endpoint local;
        stream::Service* service = nullptr;
        fifo::ByteFifo received;
        fifo::ByteFifo sending;
        stream::Events events;     // that the service has not seen
        bool wants_space = false;  // send() was refused for want of space
    };

    BoundEndpoint* find(stream::StreamId id) const noexcept;
    BoundEndpoint* bound_to(const wire::IpAddress& address, std::uint16_t port) const noexcept;
    static bool append(fifo::ByteFifo& fifo, const stream::DatagramHeader& header,
                       const fifo::Bytes& bytes) noexcept;
    static std::optional<stream::Datagram> first(const fifo::ByteFifo& fifo) noexcept;
    static void drop(fifo::ByteFifo& fifo) noexcept;

    UdpLayerSettings settings_;
    fifo::Arena& arena_;
    std::uint32_t first_index_;
    std::vector<std::unique_ptr<BoundEndpoint>> endpoints_;
    std::uint64_t received_ = 0;
    std::uint64_t no_space_ = 0;
};

}  // namespace l2echo::stack
