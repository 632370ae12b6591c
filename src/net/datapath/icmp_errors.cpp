#include "l2echo/net/icmp_errors.hpp"

#include <algorithm>
#include <cstring>

#include "l2echo/wire/byte_order.hpp"
#include "l2echo/wire/frame_headers.hpp"
#include "l2echo/wire/icmp.hpp"
#include "l2echo/wire/udp.hpp"

namespace l2echo::net {
namespace {

using Kind = ReceivedError::Kind;

constexpr std::uint32_t kMinIpv4Mtu = 68;
constexpr std::uint32_t kMinIpv6Mtu = 1280;

std::uint8_t version_of(std::span<const std::byte> packet) noexcept {
    return packet.empty() ? 0 : std::to_integer<std::uint8_t>(packet[0] >> 4);
}

/// The headers of a packet that may be cut, which is how an error quotes packets.
bool read_packet(std::span<const std::byte> packet, wire::QuotedPacket& found) noexcept {
    const std::uint8_t version = version_of(packet);
    return (version == 4 || version == 6) && wire::read_packet(version, packet, found);
}

/// Offset of the field that says which protocol follows the extension headers that are understood.
std::uint32_t offset_of_protocol(std::span<const std::byte> packet, std::uint32_t headers) noexcept {
    constexpr std::byte kFragment{44};
    std::uint32_t field = 6;
    std::uint32_t at = wire::kIpv6HeaderLength;
    while (at < headers) {
        const bool fragment = packet[field] == kFragment;
        field = at;
        at += fragment ? 8 : 8 + 8 * std::to_integer<std::uint32_t>(packet[at + 1]);
    }
    return field;
}

struct Code {
    std::uint8_t type;
    std::uint8_t code;
};

Code code_of(OwnError error, std::uint8_t version) noexcept {
    using namespace wire;
    switch (error) {
        case OwnError::PortUnreachable:
            return version == 4 ? Code{icmpv4::kDestinationUnreachable, 3}
                                : Code{icmpv6::kDestinationUnreachable, 4};
        case OwnError::ProtocolUnreachable:
            return version == 4 ? Code{icmpv4::kDestinationUnreachable, 2}
                                : Code{icmpv6::kParameterProblem, 1};
        case OwnError::ReassemblyTimeout:
            break;
    }
    return version == 4 ? Code{icmpv4::kTimeExceeded, 1} : Code{icmpv6::kTimeExceeded, 1};
}

/// Writes the IP header of an error to the source of a packet.
void write_ip_header(const wire::QuotedPacket& about, std::uint32_t length, std::byte* to) noexcept {
    if (about.source.version == 4)
        wire::write_header(wire::Ipv4Header{.source = about.destination,
                                            .destination = about.source,
                                            .total_length = length,
                                            .dont_fragment = true,  // needs no identification (RFC 6864 4)
                                            .protocol = wire::kProtocolIcmp},
                           to);
    else
        wire::write_header(wire::Ipv6Header{.source = about.destination,
                                            .destination = about.source,
                                            .total_length = length,
                                            .protocol = wire::kProtocolIcmpv6},
                           to);
}

std::optional<Kind> kind_of_ipv4(const wire::IcmpHeader& header) noexcept {
    switch (header.type) {
        case wire::icmpv4::kDestinationUnreachable:
            switch (header.code) {
                case 0:
                case 1:
                case 5:
                case 6:
                case 7:
                case 8:
                case 11:
                case 12:
                    return Kind::RouteUnreachable;
                case 2:
                    return Kind::ProtocolUnreachable;
                case 3:
                    return Kind::PortUnreachable;
                case 4:
                    return Kind::PacketTooBig;
                case 9:
                case 10:
                case 13:
                case 14:
                case 15:
                    return Kind::Prohibited;
                default:
                    return std::nullopt;
            }
        case wire::icmpv4::kTimeExceeded:
            return header.code == 0 ? Kind::TimeExceeded : Kind::ReassemblyTimeout;
        case wire::icmpv4::kParameterProblem:
            return Kind::ParameterProblem;
        default:
            return std::nullopt;
    }
}

std::optional<Kind> kind_of_ipv6(const wire::IcmpHeader& header) noexcept {
    switch (header.type) {
        case wire::icmpv6::kDestinationUnreachable:
            switch (header.code) {
                case 0:
                case 2:
                case 3:
                    return Kind::RouteUnreachable;
                case 1:
                case 5:
                case 6:
                    return Kind::Prohibited;
                case 4:
                    return Kind::PortUnreachable;
                default:
                    return std::nullopt;
            }
        case wire::icmpv6::kPacketTooBig:
            return Kind::PacketTooBig;
        case wire::icmpv6::kTimeExceeded:
            return header.code == 0 ? Kind::TimeExceeded : Kind::ReassemblyTimeout;
        case wire::icmpv6::kParameterProblem:
            return header.code == 1 ? Kind::ProtocolUnreachable : Kind::ParameterProblem;
        default:
            return std::nullopt;
    }
}

}  // namespace

bool may_report(const OffendingPacket& offending, const Routes& routes) noexcept {
    wire::QuotedPacket about;
    if (offending.to_link_group || !read_packet(offending.packet, about) || about.later_fragment ||
        !routes.is_ours(about.destination) || !routes.is_acceptable_source(about.source))
        return false;
    const std::uint8_t version = about.source.version;
    if (about.protocol != (version == 4 ? wire::kProtocolIcmp : wire::kProtocolIcmpv6))
        return true;
    return !about.payload.empty() &&
           !wire::reports_error(version, std::to_integer<std::uint8_t>(about.payload[0]));
}

std::uint32_t write_error(OwnError error, const OffendingPacket& offending, const Routes& routes,
                          std::byte* to) noexcept {
    wire::QuotedPacket about;
    if (!may_report(offending, routes) || !read_packet(offending.packet, about))
        return 0;
    const std::uint8_t version = about.source.version;
    const std::uint32_t ip_length = version == 4 ? wire::kIpv4HeaderLength : wire::kIpv6HeaderLength;
    const std::uint32_t room =
        (version == 4 ? kMaxIpv4ErrorLength : kMaxIpv6ErrorLength) - ip_length - wire::kIcmpHeaderLength;
    const auto quoted = static_cast<std::uint32_t>(std::min<std::size_t>(offending.packet.size(), room));
    const std::uint32_t length = ip_length + wire::kIcmpHeaderLength + quoted;
    write_ip_header(about, length, to);

    const Code code = code_of(error, version);
    wire::IcmpHeader header{.type = code.type, .code = code.code};
    if (version == 6 && error == OwnError::ProtocolUnreachable)
        header.rest = offset_of_protocol(
            offending.packet, static_cast<std::uint32_t>(offending.packet.size() - about.payload.size()));
    std::byte* icmp = to + ip_length;
    wire::write_header(header, icmp);
    std::memcpy(icmp + wire::kIcmpHeaderLength, offending.packet.data(), quoted);
    wire::store_icmp_checksum(about.destination, about.source, {icmp, wire::kIcmpHeaderLength + quoted});
    return length;
}

bool ErrorLimit::allow(Micros now) noexcept {
    constexpr Micros kPerToken{1'000'000 / kTokensPerSecond};
    const std::int64_t earned = (now - refilled_) / kPerToken;
    if (tokens_ + earned >= kBurst) {
        tokens_ = kBurst;
        refilled_ = now;
    } else {
        tokens_ += earned;
        refilled_ += earned * kPerToken;
    }
    // xorshift64 (Marsaglia 2003): its state is secret, and two bits of it show per error.
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const auto price = static_cast<std::int64_t>(1 + random_ % 3);
    if (tokens_ < price)
        return false;
    tokens_ -= price;
    return true;
}

std::optional<ReceivedError> read_error(const wire::IpAddress& source, const wire::IpAddress& destination,
                                        std::span<const std::byte> message) noexcept {
    wire::IcmpHeader header;
    if (!wire::read_header(message, header) || !wire::icmp_checksum_is_right(source, destination, message))
        return std::nullopt;
    const std::uint8_t version = source.version;
    const std::optional<Kind> kind = version == 4 ? kind_of_ipv4(header) : kind_of_ipv6(header);
    wire::QuotedPacket about;
    if (!kind || !wire::read_quote(version, message, about))
        return std::nullopt;
    ReceivedError error{.kind = *kind,
                        .source = about.source,
                        .destination = about.destination,
                        .protocol = about.protocol,
                        .packet_length = about.total_length};
    if (*kind == Kind::PacketTooBig) {
        error.mtu = version == 4 ? header.rest & 0xFFFF : header.rest;
        const bool unknown = version == 4 && error.mtu == 0;
        if (!unknown && error.mtu < (version == 4 ? kMinIpv4Mtu : kMinIpv6Mtu))
            return std::nullopt;
    }
    const bool tcp = about.protocol == wire::kProtocolTcp;
    if (about.later_fragment || (!tcp && about.protocol != wire::kProtocolUdp) ||
        about.payload.size() < wire::kUdpHeaderLength)
        return error;
    const std::byte* transport = about.payload.data();
    error.has_transport = true;
    error.source_port = wire::load_be16(transport);
    error.destination_port = wire::load_be16(transport + 2);
    if (tcp)
        error.sequence = wire::load_be32(transport + 4);
    return error;
}

}  // namespace l2echo::net
