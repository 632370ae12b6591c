// ICMP and ICMPv6 errors: those that we send about packets that we cannot deliver, and those about packets of
// ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "l2echo/net/routes.hpp"
#include "l2echo/net/time.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::net {

/// Errors are cut to this length, IP header included (RFC 1812 4.3.2.3; RFC 4443 2.4 c).
inline constexpr std::uint32_t kMaxIpv4ErrorLength = 576;
inline constexpr std::uint32_t kMaxIpv6ErrorLength = 1280;

enum class OwnError : std::uint8_t {
    PortUnreachable,      ///< no endpoint has the UDP port
    ProtocolUnreachable,  ///< no such transport protocol; for IPv6 a parameter problem (RFC 8200 4)
    ReassemblyTimeout,    ///< only about the first fragment (RFC 792; RFC 8200 4.5)
};

/// A packet that was received and cannot be delivered.
struct OffendingPacket {
    /// From the IP header on, without padding of the link; its end may be missing. Its header is well-formed,
    /// and the checksums of what the error is about were verified.
    std::span<const std::byte> packet;
    bool to_link_group = false;  ///< the destination MAC address is a group address
};

/// True if an error may be sent about the packet: not about an error or a redirect, not about a later
/// fragment, not if it came by broadcast or multicast of the link or of IP, and only to a source that is one
/// host's (RFC 1122 3.2.2, RFC 4443 2.4 e).
bool may_report(const OffendingPacket& offending, const Routes& routes) noexcept;

/// Writes the whole IP packet that reports the error, from the address that the offending packet was sent to,
/// and returns its length; 0 if no error may be sent. `to` has room for kMaxIpv4ErrorLength or
/// kMaxIpv6ErrorLength bytes.
std::uint32_t write_error(OwnError error, const OffendingPacket& offending, const Routes& routes,
                          std::byte* to) noexcept;

/// Limits the errors that one worker sends, by a bucket of tokens (RFC 4443 2.4 f, RFC 1812 4.3.2.8). A limit
/// for all peers together is itself a channel: who fills it with invented sources sees in the errors that are
/// missing which ports are open (CVE-2020-25705). Hence an error takes one, two or three tokens at random.
class ErrorLimit {
  public:
    /// Linux: icmp_msgs_per_sec and icmp_msgs_burst. Two tokens per error on average, so half as many errors.
    static constexpr std::uint32_t kTokensPerSecond = 1000;
    static constexpr std::uint32_t kBurst = 50;

    /// `seed`: random, secret. Starts with a full bucket.
    ErrorLimit(std::uint64_t seed, Micros now) noexcept : random_(seed | 1), refilled_(now) {}

    /// True if an error may be sent now.
    bool allow(Micros now) noexcept;

  private:
    std::uint64_t random_;
    Micros refilled_;
    std::int64_t tokens_ = kBurst;
};

/// What an error says about a packet of ours.
struct ReceivedError {
    enum class Kind : std::uint8_t {
        PacketTooBig,      ///< ICMP 3/4, ICMPv6 2
        RouteUnreachable,  ///< network or host, for now: ICMP 3/0, 3/1, 3/5 to 3/8, 3/11, 3/12, ICMPv6 1/0,
                           ///< 1/2, 1/3
        PortUnreachable,   ///< ICMP 3/3, ICMPv6 1/4
        ProtocolUnreachable,  ///< ICMP 3/2, ICMPv6 4/1
        Prohibited,           ///< ICMP 3/9, 3/10, 3/13 to 3/15, ICMPv6 1/1, 1/5, 1/6
        TimeExceeded,         ///< hop limit: ICMP 11/0, ICMPv6 3/0
        ReassemblyTimeout,    ///< ICMP 11/1, ICMPv6 3/1
        ParameterProblem,     ///< ICMP 12, ICMPv6 4
    };

    Kind kind = Kind::RouteUnreachable;
    wire::IpAddress source{};       ///< of the quoted packet: an address of ours, which the caller checks
    wire::IpAddress destination{};  ///< of the quoted packet: the peer
    std::uint8_t protocol = 0;
    /// The first 8 bytes of a TCP or UDP packet are quoted, which is the least that a router quotes (RFC
    /// 792), and it is not a later fragment. Otherwise the next three are 0.
    bool has_transport = false;
    std::uint16_t source_port = 0;
    std::uint16_t destination_port = 0;
    std::uint32_t sequence = 0;  ///< TCP: of the quoted segment
    /// PacketTooBig: bytes of the largest packet; 0: an old router that does not say (RFC 1191 5).
    std::uint32_t mtu = 0;
    std::uint32_t packet_length = 0;  ///< of the quoted packet, as its header says
};

/// Reads an ICMP or ICMPv6 message, by the version of the addresses of its packet. None if its checksum is
/// wrong, it reports no error, its quote is too short for an IP header, or it claims an MTU below the minimum
/// of the protocol, which RFC 791 3.2 (68) and RFC 8201 4 (1280) rule out. Source quench (RFC 6633) and
/// redirects are ignored. Anyone can send an error: the caller compares ports and sequence number with its
/// own (RFC 5927).
std::optional<ReceivedError> read_error(const wire::IpAddress& source, const wire::IpAddress& destination,
                                        std::span<const std::byte> message) noexcept;

}  // namespace l2echo::net
