// What one worker sends on one queue: writes headers, finds the neighbour, and fills bursts.
#pragma once

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/net/fragments.hpp"
#include "l2echo/net/neighbours.hpp"
#include "l2echo/net/routes.hpp"
#include "l2echo/stream/streams.hpp"
#include "l2echo/tcp/outgoing_segment.hpp"
#include "l2echo/tcp/tuple.hpp"
#include "l2echo/wire/ethernet.hpp"

namespace l2echo::stack {

struct LinkSettings {
    std::uint16_t port = 0;
    std::uint16_t queue = 0;
    wire::MacAddress mac = 0;           ///< of the port
    std::optional<std::uint16_t> vlan;  ///< ID of the VLAN, 1 to 4094, whose frames are ours; empty: untagged
    std::uint16_t mtu = 1500;           ///< bytes with IP header
};

/// Frames that were not sent, by reason.
struct FrameOutputCounts {
    std::uint64_t sent = 0;         ///< taken by the device
    std::uint64_t no_mbuf = 0;      ///< the pool is empty
    std::uint64_t no_room = 0;      ///< answers and fragments while the device takes nothing
    std::uint64_t no_route = 0;     ///< no prefix on the link and no gateway
    std::uint64_t unreachable = 0;  ///< the neighbour did not answer, or there was no place to wait for it
    std::uint64_t too_long = 0;     ///< longer than the MTU, and must not or cannot be split
};

/// Owned by one worker. A frame for a neighbour whose MAC address is not known yet is held by Neighbours. The
/// queue is another matter: what the device does not take stays in the burst, and has_room() is false then.
class FrameOutput {
  public:
    /// `pools` are those for fragments, of which `headers` is also for all other frames. All must outlive
    /// the output. `random` starts the identifications of fragments.
    FrameOutput(const LinkSettings& settings, const net::FragmentPools& pools, const net::Routes& routes,
                net::Neighbours& neighbours, std::uint32_t random) noexcept;
    /// Frees what was not sent.
    ~FrameOutput();
    FrameOutput(const FrameOutput&) = delete;
    FrameOutput& operator=(const FrameOutput&) = delete;

    void begin_turn(net::Micros now) noexcept { now_ = now; }

    // --- As TcpLayer and UdpLayer want it

    bool has_room() noexcept {
        if (count_ == burst_.size()) [[unlikely]]
            flush();
        return count_ < burst_.size();
    }
    void send(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) noexcept;
    void send(std::uint16_t local_port, const stream::DatagramHeader& header,
              const fifo::Bytes& bytes) noexcept;

    // --- For frames that are answers

    /// A frame whose IP packet begins after link_length() bytes, which are not written yet. Splits it if it
    /// is longer than the MTU. Takes the frame.
    void send_packet(const wire::IpAddress& to, rte_mbuf* frame) noexcept;
    /// The same to a MAC address that is known.
    void send_to(wire::MacAddress to, std::uint16_t ether_type, rte_mbuf* frame) noexcept;
    /// A copy of what follows the link header, to a MAC address that is known.
    void send_payload(wire::MacAddress to, std::uint16_t ether_type,
                      std::span<const std::byte> payload) noexcept;
    /// A copy of an IP packet, as send_packet().
    void send_copy(const wire::IpAddress& to, std::span<const std::byte> packet) noexcept;

    /// Sends what waited for this neighbour, whose MAC address is known now.
    void release_held(const wire::IpAddress& neighbour) noexcept;
    /// Asks for neighbours, and drops frames whose neighbour did not answer. Once per turn.
    void ask_neighbours() noexcept;
    /// Offers the burst to the device.
    void flush() noexcept;

    std::uint16_t link_length() const noexcept {
        return static_cast<std::uint16_t>(wire::kEthernetHeaderLength +
                                          (settings_.vlan ? wire::kVlanTagLength : 0));
    }
    const FrameOutputCounts& counts() const noexcept { return counts_; }
    std::uint32_t waiting() const noexcept { return count_; }

  private:
    static constexpr std::size_t kBurst = 32;

    rte_mbuf* frame_of(std::uint32_t packet_length) noexcept;
    void resolve(const wire::IpAddress& to, rte_mbuf* frame) noexcept;
    void write_link(wire::MacAddress to, std::uint16_t ether_type, rte_mbuf& frame) noexcept;
    void append(rte_mbuf* frame) noexcept;
    void drop(rte_mbuf* frame, std::uint64_t& reason) noexcept;

    LinkSettings settings_;
    net::FragmentPools pools_;
    const net::Routes& routes_;
    net::Neighbours& neighbours_;
    std::uint32_t identification_;
    net::Micros now_{0};
    std::array<rte_mbuf*, kBurst> burst_{};
    std::uint32_t count_ = 0;
    FrameOutputCounts counts_;
};

}  // namespace l2echo::stack
