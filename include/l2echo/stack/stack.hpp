// The stack of one worker, as services see it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/stack/tcp_layer.hpp"
#include "l2echo/stack/udp_layer.hpp"
#include "l2echo/stream/streams.hpp"

namespace l2echo::stack {

struct StackSettings {
    TcpLayerSettings tcp{};
    UdpLayerSettings udp{};
};

/// TCP and UDP of one worker, which shares nothing with other workers. Per turn: receive() of both layers for
/// what arrived, then finish_turn(), which lets services run and sends. All calls come from this worker.
class Stack final : public stream::Streams {
  public:
    /// `memory` is for FIFOs, half-open connections and records of segments in flight, is aligned to 64
    /// bytes, and must outlive the stack. The others as for TcpLayer. Throws process::StartupError.
    Stack(const std::string& name, const StackSettings& settings, std::span<std::byte> memory,
          const hash::SipKey& key, int numa_node, tcp::Micros now);
    ~Stack() override;
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    TcpLayer& tcp() noexcept { return tcp_; }
    const TcpLayer& tcp() const noexcept { return tcp_; }
    UdpLayer& udp() noexcept { return udp_; }
    const UdpLayer& udp() const noexcept { return udp_; }
    const fifo::Arena& arena() const noexcept { return arena_; }

    /// The time of the turn, for calls of services. Never decreases.
    void begin_turn(tcp::Micros now) noexcept { now_ = now; }
    /// Expires deadlines, runs services and sends, while there is room. `Output` is both layers'. True if
    /// nothing waits for room.
    template <typename Output>
    bool finish_turn(Output& output) noexcept {
        tcp_.expire(now_);
        tcp_.run_services(*this, now_);
        udp_.run_services(*this, now_);
        const bool all_sent = tcp_.send(output, now_);
        return udp_.send(output) && all_sent;
    }

    // --- stream::Streams

    fifo::Bytes readable(stream::StreamId id) const noexcept override;
    void consume(stream::StreamId id, std::size_t count) noexcept override;
    std::size_t writable(stream::StreamId id) const noexcept override;
    std::size_t write(stream::StreamId id, std::span<const std::byte> bytes) noexcept override;
    bool echo(stream::StreamId id) noexcept override;
    void shut_down(stream::StreamId id) noexcept override;
    void close(stream::StreamId id) noexcept override;
    void reset(stream::StreamId id) noexcept override;
    stream::Endpoint peer(stream::StreamId id) const noexcept override;
    std::optional<stream::Datagram> first_datagram(stream::StreamId id) const noexcept override;
    void drop(stream::StreamId id) noexcept override;
    bool send(stream::StreamId id, const stream::DatagramHeader& header,
              const fifo::Bytes& bytes) noexcept override;

  private:
    fifo::Arena arena_;
    TcpLayer tcp_;
    UdpLayer udp_;
    tcp::Micros now_;
};

}  // namespace l2echo::stack
