#include "packet.hpp"

#include <algorithm>
#include <array>

#include "l2echo/wire/checksum.hpp"
#include "l2echo/wire/ip.hpp"

namespace l2echo::sim {

namespace {

constexpr std::uint8_t kProtocolTcp = 6;

std::size_t ip_length(const tcp::Tuple& tuple) noexcept {
    return tuple.local.version == 4 ? wire::kIpv4HeaderLength : wire::kIpv6HeaderLength;
}

/// Nothing unless the packet is whole, carries TCP, and no fragment.
template <typename IpHeader>
std::optional<ReceivedSegment> read_as(std::span<const std::byte> bytes) noexcept {
    IpHeader ip;
    const wire::HeaderRead network = read_header(bytes, ip);
    if (!network || ip.protocol != kProtocolTcp || ip.is_fragment())
        return {};
    const auto segment = bytes.subspan(network.length, ip.total_length - network.length);
    ReceivedSegment received;
    const wire::HeaderRead transport = wire::read_header(segment, received.header);
    if (!transport || !wire::is_right(wire::pseudo_header_sum(ip.source, ip.destination, kProtocolTcp,
                                                              static_cast<std::uint32_t>(segment.size())) +
                                      wire::sum_of(segment)))
        return {};
    received.tuple = {.local = ip.destination,
                      .remote = ip.source,
                      .local_port = received.header.destination_port,
                      .remote_port = received.header.source_port};
    received.payload = segment.subspan(transport.length);
    return received;
}

}  // namespace

std::size_t packet_length(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment) noexcept {
    return ip_length(tuple) + wire::header_length(segment.header) + segment.payload_length();
}

void write_packet(const tcp::Tuple& tuple, const tcp::OutgoingSegment& segment,
                  std::vector<std::byte>& bytes) {
    const std::size_t length = packet_length(tuple, segment);
    const std::size_t network = ip_length(tuple);
    bytes.resize(length);
    if (tuple.local.version == 4) {
        wire::Ipv4Header ip;
        ip.source = tuple.local;
        ip.destination = tuple.remote;
        ip.total_length = static_cast<std::uint32_t>(length);
        ip.dont_fragment = true;
        ip.protocol = kProtocolTcp;
        wire::write_header(ip, bytes.data());
    } else {
        wire::Ipv6Header ip;
        ip.source = tuple.local;
        ip.destination = tuple.remote;
        ip.total_length = static_cast<std::uint32_t>(length);
        ip.protocol = kProtocolTcp;
        wire::write_header(ip, bytes.data());
    }
    std::byte* const header = bytes.data() + network;
    std::byte* const payload = header + wire::write_header(segment.header, header);
    wire::Sum sum = wire::pseudo_header_sum(tuple.local, tuple.remote, kProtocolTcp,
                                            static_cast<std::uint32_t>(length - network)) +
                    wire::sum_of({header, payload}) + wire::copy_and_sum(payload, segment.first);
    sum += wire::at_offset(wire::copy_and_sum(payload + segment.first.size(), segment.second),
                           segment.first.size());
    wire::store_checksum(header + wire::kTcpChecksumOffset, sum);
}

std::optional<ReceivedSegment> read_packet(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty())
        return {};
    return (bytes.front() >> 4) == std::byte{4} ? read_as<wire::Ipv4Header>(bytes)
                                                : read_as<wire::Ipv6Header>(bytes);
}

}  // namespace l2echo::sim
