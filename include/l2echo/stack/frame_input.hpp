// What one worker receives on one queue: reads headers, answers what is not a service's, and passes the rest
// up.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "l2echo/net/fragments.hpp"
#include "l2echo/net/icmp_errors.hpp"
#include "l2echo/net/neighbours.hpp"
#include "l2echo/net/routes.hpp"
#include "l2echo/stack/frame_output.hpp"
#include "l2echo/stack/stack.hpp"
#include "l2echo/wire/arp.hpp"
#include "l2echo/wire/ip.hpp"
#include "l2echo/wire/neighbor_discovery.hpp"

namespace l2echo::stack {

/// Why a frame was refused: the first reason that applies.
enum class Refusal : std::uint8_t {
    ForeignMac,          ///< to a MAC address that is not ours
    Vlan,                ///< in another VLAN, untagged where a tag is wanted, or with several tags
    EtherType,           ///< not IPv4, IPv6 or ARP
    Malformed,           ///< a header that cannot be right
    ForeignAddress,      ///< to an IP address that is not ours
    Source,              ///< from an IP or MAC address that no host can have
    Checksum,            ///< of TCP, UDP or ICMP
    Protocol,            ///< neither TCP, UDP nor ICMP; answered by an ICMP error, unless these are limited
    Message,             ///< an ICMP message that asks for nothing and reports nothing about us
    NoListener,          ///< nothing listens on the TCP port; answered by a RST, unless these are limited
    NoEndpoint,          ///< nothing is bound to the UDP port; answered by an ICMP error, unless limited
    TooManyConnections,  ///< a new connection has no place
    NoSpace,             ///< the FIFO of a UDP endpoint is full
    Fragment,            ///< a fragment that no packet will be made of
};
inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::Fragment) + 1;

/// Invariant: received = delivered + answered + all of refused + held().
struct FrameInputCounts {
    std::uint64_t received = 0;
    std::uint64_t delivered = 0;  ///< to TCP or UDP, or an ICMP error about them; fragments count one by one
    std::uint64_t answered = 0;   ///< ARP, neighbour discovery, ICMP echo
    std::array<std::uint64_t, kRefusals> refused{};
    std::uint64_t errors_sent = 0;     ///< ICMP errors
    std::uint64_t errors_limited = 0;  ///< not sent: too many
};

/// Owned by one worker. Per turn: receive() for each burst, then the stack's finish_turn() and the output's
/// ask_neighbours() and flush().
class FrameInput {
  public:
    /// All references must outlive the input. `random` is secret.
    FrameInput(const LinkSettings& link, const net::Routes& routes, net::Neighbours& neighbours, Stack& stack,
               FrameOutput& output, const net::ReassemblySettings& reassembly, std::uint64_t random,
               net::Micros now);

    /// Takes the frames of a burst and frees them. `since_1970` is the time of the burst for UDP services.
    void receive(std::span<rte_mbuf*> frames, net::Micros now, std::chrono::nanoseconds since_1970) noexcept;
    /// Gives up fragments whose time is over. At least once per second.
    void expire(net::Micros now) noexcept;

    const FrameInputCounts& counts() const noexcept { return counts_; }
    /// Fragments that wait for others.
    std::uint64_t held() const noexcept { return reassembly_.held(); }
    const net::ReassemblyCounts& reassembly() const noexcept { return reassembly_.counts(); }

  private:
    static constexpr std::size_t kMaxBurst = 64;
    static constexpr std::size_t kMaxPacket = 65'536 + 64;

    /// One frame while it is processed.
    struct Frame {
        rte_mbuf* mbuf;
        std::uint32_t fragments;  ///< frames that it was joined from
        wire::MacAddress source_mac;
        bool to_group;
        std::span<const std::byte> packet;  ///< from the IP header on; contiguous
    };
    /// What both versions of IP have, and where the payload is.
    struct Packet {
        wire::IpAddress source;
        wire::IpAddress destination;
        std::uint8_t protocol;
        std::uint8_t hop_limit;
        std::uint8_t traffic_class;
        std::span<const std::byte> payload;
    };

    void take(rte_mbuf* mbuf) noexcept;
    void take_ip(Frame& frame, std::uint8_t version) noexcept;
    void take_packet(Frame& frame, const Packet& packet) noexcept;
    void take_arp(const Frame& frame) noexcept;
    void take_tcp(Frame& frame, const Packet& packet) noexcept;
    void take_udp(const Frame& frame, const Packet& packet) noexcept;
    void take_icmp(Frame& frame, const Packet& packet) noexcept;
    void take_solicitation(const Frame& frame, const wire::Ipv6Header& header,
                           std::span<const std::byte> message) noexcept;
    void take_advertisement(const Frame& frame, const wire::Ipv6Header& header,
                            std::span<const std::byte> message) noexcept;
    void answer_echo(Frame& frame, const Packet& packet) noexcept;
    bool take_error(const Packet& packet) noexcept;
    void report(net::OwnError error, const Frame& frame) noexcept;
    void pass_segments() noexcept;
    void refuse(const Frame& frame, Refusal reason) noexcept { add_refused(reason, frame.fragments); }
    void add_refused(Refusal reason, std::uint64_t frames) noexcept {
        counts_.refused[static_cast<std::size_t>(reason)] += frames;
    }

    LinkSettings link_;
    const net::Routes& routes_;
    net::Neighbours& neighbours_;
    Stack& stack_;
    FrameOutput& output_;
    net::Reassembly reassembly_;
    net::ErrorLimit errors_;
    net::Micros now_{0};
    std::chrono::nanoseconds since_1970_{0};
    // Segments of the burst, whose mbufs are kept until the connections have them.
    std::array<IncomingSegment, kMaxBurst> segments_;
    std::array<rte_mbuf*, kMaxBurst> segment_frames_{};
    std::array<std::uint32_t, kMaxBurst> segment_fragments_{};
    std::size_t segment_count_ = 0;
    std::unique_ptr<std::byte[]> scratch_;  // NOLINT(*-avoid-c-arrays): a packet of several mbufs
    FrameInputCounts counts_;
};

}  // namespace l2echo::stack
