// A host with one TCP connection of the library, which takes and gives IP packets: for tests with other TCP
// stacks as peers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "l2echo/fifo/arena.hpp"
#include "l2echo/hash/siphash.hpp"
#include "l2echo/tcp/connection.hpp"
#include "l2echo/tcp/listener.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo {

/// The bytes of every stream, by their position: those of pattern.py.
class Pattern {
  public:
    static constexpr std::size_t kChunk = 65536;

    Pattern();

    /// The bytes from this position, at most kChunk.
    std::span<const std::byte> at(std::uint64_t position, std::uint64_t length) const;

  private:
    std::vector<std::byte> bytes_;
};

/// Address and TCP port. Reads "192.0.2.1" or "2001:db8::1"; throws UsageError.
wire::IpAddress parse_address(const std::string& text);

struct HostOptions {
    wire::IpAddress address;
    std::uint16_t listen_port = 0;          ///< accept one connection here, unless `peer` is given
    std::optional<wire::IpAddress> peer{};  ///< open a connection to it
    std::uint16_t peer_port = 0;
    std::uint64_t bytes_to_send = 0;  ///< of the pattern; what arrives is compared with it, too
    tcp::Micros send_for{};           ///< stop sending after this time; 0: when all bytes are sent
    bool echo = false;                ///< send back what arrives instead
    std::uint16_t mtu = 1500;
    tcp::Settings settings{};
};

struct HostOutcome {
    std::string end = "closed";  ///< "closed", "reset" or "timed out"
    std::uint64_t sent = 0;      ///< bytes written to the connection, or echoed
    std::uint64_t received = 0;
    std::optional<std::uint64_t> wrong_at{};  ///< position of the first piece that differs from the pattern
    tcp::Micros first_byte{};                 ///< when it arrived
    tcp::Micros last_byte{};
    tcp::Info info{};                    ///< of the connection, before its end
    std::size_t arena_bytes_in_use = 0;  ///< after the connection was destroyed
};

class PacketHost {
  public:
    /// Sends one IP packet; it may get lost.
    using Send = std::function<void(std::span<const std::byte> packet)>;

    PacketHost(const HostOptions& options, Send send, tcp::Micros now);

    void take(std::span<const std::byte> packet, tcp::Micros now);
    /// Acts on timers, reads, writes and sends. Call it after packets were taken, and at the deadline.
    void turn(tcp::Micros now);
    std::optional<tcp::Micros> deadline() const;
    /// Both directions have ended, or the connection has.
    bool ended() const { return ended_; }
    /// Destroys the connection.
    HostOutcome outcome();

  private:
    void connect(tcp::Micros now);
    template <typename Header>
    void take_ip(std::span<const std::byte> packet, Header& header, tcp::Micros now);
    void take_segment(const tcp::Tuple& tuple, const wire::TcpHeader& header,
                      std::span<const std::byte> payload, tcp::Micros now);
    void on_events(tcp::Events events, tcp::Micros now);
    void serve(tcp::Micros now);
    void check_received(tcp::Micros now);
    void write_pattern(tcp::Micros now);
    void send_all(tcp::Micros now);
    void send(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment);
    template <typename Header>
    void write_ip(const Header& header);

    HostOptions options_;
    Send send_;
    hash::SipKey key_;
    std::vector<std::byte> memory_;
    fifo::Arena arena_;
    std::optional<tcp::Listener> listener_;
    std::optional<tcp::Connection> connection_;
    Pattern pattern_;
    std::vector<std::byte> outgoing_;
    HostOutcome outcome_;
    tcp::Micros connected_at_{};
    bool connected_ = false;
    bool shut_down_ = false;
    bool ended_ = false;
};

}  // namespace l2echo
